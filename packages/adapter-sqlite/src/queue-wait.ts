import type { SqliteContext } from './context.ts';

const STATE = 'SELECT waiting, paused, delayed, number FROM queue WHERE namespace = ? AND name = ?';
const DUE = 'SELECT 1 FROM job WHERE queue = ? AND due_at <= ? LIMIT 1';

export const channelOf = (queue: string): string => `queue:${queue}`;

interface Waiter {
  readonly wake: () => void;
}

/**
 * Waits for work. A wait looks before it listens, so no hint need be kept for it. A signal wakes as many of the process's waiters as jobs wait, those who
 * began first; a look (some 5 µs) in every process with a waiter, and no empty claim when another process was there first.
 */
export class QueueWaits {
  readonly #context: SqliteContext;
  /** By queue, in the order in which they began to wait. */
  readonly #waiters = new Map<string, { readonly waiters: Set<Waiter>; readonly unlisten: () => void }>();

  constructor(context: SqliteContext) {
    this.#context = context;
    context.onClose(() => this.#close());
  }

  async wait(queues: readonly string[], signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const waiter: Waiter = {
        wake: () => {
          for (const queue of queues) this.#leave(queue, waiter);
          signal.removeEventListener('abort', waiter.wake);
          resolve();
        },
      };
      signal.addEventListener('abort', waiter.wake, { once: true });
      for (const queue of queues) this.#join(queue, waiter);
      if (queues.some((queue) => this.#ready(queue) > 0)) waiter.wake();
    });
  }

  #join(queue: string, waiter: Waiter): void {
    const known = this.#waiters.get(queue);
    if (known) {
      known.waiters.add(waiter);
      return;
    }
    const unlisten = this.#context.signals.listen(channelOf(queue), () => this.#signalled(queue));
    this.#waiters.set(queue, { waiters: new Set([waiter]), unlisten });
  }

  #leave(queue: string, waiter: Waiter): void {
    const known = this.#waiters.get(queue);
    known?.waiters.delete(waiter);
    if (known?.waiters.size !== 0) return;
    known.unlisten();
    this.#waiters.delete(queue);
  }

  /** One at least: the signal may be about a job that is delayed for less long. */
  #signalled(queue: string): void {
    const count = Math.max(this.#ready(queue), 1);
    const waiters = [...(this.#waiters.get(queue)?.waiters ?? [])];
    for (const { wake } of waiters.slice(0, count)) wake();
  }

  /** How many jobs wait, or are due. */
  #ready(queue: string): number {
    const { engine, namespace, now } = this.#context;
    const row = engine.sql(STATE).get(namespace, queue);
    if (!row || row.paused === 1) return 0;
    const due = Number(row.delayed) > 0 && engine.sql(DUE).get(Number(row.number), now()) ? 1 : 0;
    return Number(row.waiting) + due;
  }

  #close(): void {
    for (const { waiters } of [...this.#waiters.values()]) for (const { wake } of [...waiters]) wake();
  }
}
