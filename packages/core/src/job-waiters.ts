import type { QueuePort } from './ports/queue.ts';
import type { Settlement } from './ports/queue-exchange.ts';

/** How a job finished, as the store has it. */
export type Finish = Extract<Settlement, { readonly outcome: 'completed' | 'failed' | 'cancelled' }>;

/** Those of this process who wait for jobs to finish. Its own workers tell them at once, without a look at the store. */
export class JobWaiters {
  readonly #waiting = new Map<string, Set<(finish: Finish) => void>>();
  /** How often each queue is served by a worker of this process. */
  readonly #served = new Map<string, number>();

  /** A worker of this process runs jobs of the queue, until the answer is called. */
  serve(queue: string): () => void {
    this.#served.set(queue, (this.#served.get(queue) ?? 0) + 1);
    return () => {
      const left = (this.#served.get(queue) ?? 1) - 1;
      if (left > 0) this.#served.set(queue, left);
      else this.#served.delete(queue);
    };
  }

  serves(queue: string): boolean {
    return this.#served.has(queue);
  }

  /** `told` is called at most once, by a worker of this process that had the job's end confirmed. The answer ends the waiting. */
  wait(queue: string, local: string, told: (finish: Finish) => void): () => void {
    const key = `${queue}:${local}`;
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(told));
    return () => {
      waiting.delete(told);
      if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key);
    };
  }

  tell(queue: string, finish: Settlement): void {
    if (this.#waiting.size === 0 || finish.outcome === 'retry' || finish.outcome === 'released') return;
    const key = `${queue}:${finish.id}`;
    const waiting = this.#waiting.get(key);
    if (!waiting) return;
    this.#waiting.delete(key);
    for (const told of waiting) told(finish);
  }
}

const byPort = new WeakMap<QueuePort, JobWaiters>();

/** What producers and workers of one port share. */
export function waitersOf(port: QueuePort): JobWaiters {
  const known = byPort.get(port) ?? new JobWaiters();
  byPort.set(port, known);
  return known;
}
