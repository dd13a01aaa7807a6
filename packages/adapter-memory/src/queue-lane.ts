import type { Job } from './queue-job.ts';

/**
 * The waiting jobs of one priority. A job that stops to wait leaves a hole, which is dropped when its turn comes, so that nothing searches the line.
 */
export class Lane {
  #front: Job[] = [];
  #items: Job[] = [];
  #head = 0;

  add(job: Job, front: boolean): void {
    (front ? this.#front : this.#items).push(job);
  }

  get first(): Job | undefined {
    return this.#front.at(-1) ?? this.#items[this.#head];
  }

  shift(): Job | undefined {
    if (this.#front.length > 0) return this.#front.pop();
    const job = this.#items[this.#head];
    if (!job) return undefined;
    this.#head += 1;
    if (this.#head > 1_000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return job;
  }

  /** With the holes. */
  list(): Job[] {
    return [...this.#front.toReversed(), ...this.#items.slice(this.#head)];
  }
}
