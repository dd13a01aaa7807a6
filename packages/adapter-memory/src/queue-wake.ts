/** Wake-up hints: at most one is kept per queue for whoever waits next. */
export class WakeUps {
  readonly #kept = new Set<string>();
  /** In the order they began to wait. */
  readonly #waiters = new Set<{ readonly queues: readonly string[]; readonly wake: () => void }>();

  wake(queue: string): void {
    for (const waiter of this.#waiters) {
      if (!waiter.queues.includes(queue)) continue;
      waiter.wake();
      return;
    }
    this.#kept.add(queue);
  }

  /** Drops what is kept for a queue. */
  forget(queue: string): void {
    this.#kept.delete(queue);
  }

  async wait(queues: readonly string[], signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    for (const queue of queues) if (this.#kept.delete(queue)) return;
    await new Promise<void>((resolve) => {
      const waiter = {
        queues,
        wake: () => {
          this.#waiters.delete(waiter);
          signal.removeEventListener('abort', waiter.wake);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', waiter.wake, { once: true });
    });
  }
}
