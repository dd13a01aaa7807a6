import { PortolanError } from '@portolan/core';

interface Pending {
  readonly due: number;
  readonly fail: (error: PortolanError) => void;
}

/**
 * The calls under way on one backend, each with the same time to live: what was begun first is due first, so one timer watches
 * all of them. Deadlines of a network are real time whatever clock the runtime has, and monotonic.
 */
export class Deadlines {
  readonly #ms: number;
  /** In the order of their deadlines. */
  readonly #pending = new Set<Pending>();
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** The promise's outcome, or TIMEOUT once the deadline has passed; what it comes to later is ignored. */
  within<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const pending: Pending = { due: performance.now() + this.#ms, fail: reject };
      this.#pending.add(pending);
      this.#timer ??= setTimeout(() => this.#expire(), this.#ms);
      call.then(
        (value) => {
          this.#pending.delete(pending);
          resolve(value);
        },
        (error: unknown) => {
          this.#pending.delete(pending);
          reject(error);
        },
      );
    });
  }

  /** Ends every call under way with this error. */
  end(error: PortolanError): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const pending of this.#pending) pending.fail(error);
    this.#pending.clear();
  }

  #expire(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const pending of this.#pending) {
      if (pending.due > now) {
        this.#timer = setTimeout(() => this.#expire(), Math.ceil(pending.due - now));
        return;
      }
      this.#pending.delete(pending);
      pending.fail(new PortolanError('TIMEOUT', 'Redis did not answer in time'));
    }
  }
}
