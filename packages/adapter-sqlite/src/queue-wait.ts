import { decodeQueueLimits } from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { classify, closedError } from './errors.ts';
import { type Claimable, claimable } from './queue-claim.ts';

const STATE = 'SELECT * FROM queue WHERE namespace = ? AND name = ?';
const DUE = 'SELECT 1 FROM job WHERE queue = ? AND due_at <= ? LIMIT 1';

export const channelOf = (queue: string): string => `queue:${queue}`;

interface Waiter {
  readonly wake: () => void;
}

/**
 * Waits for work. A wait that has begun to listen looks once, so no hint need be kept for it. A signal wakes as many of the process's waiters as there are
 * jobs to claim, those first who began first: a look (some 5 µs) in every process with a waiter, and no claim where another process was faster.
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
    if (this.#context.engine.closed) throw closedError();
    if (signal.aborted) return;
    const woken = Promise.withResolvers<void>();
    const waiter: Waiter = { wake: woken.resolve };
    signal.addEventListener('abort', waiter.wake, { once: true });
    try {
      for (const queue of queues) this.#join(queue, waiter);
      if (!queues.some((queue) => this.#look(queue).ready > 0)) await woken.promise;
    } catch (error) {
      throw classify(error);
    } finally {
      for (const queue of queues) this.#leave(queue, waiter);
      signal.removeEventListener('abort', waiter.wake);
    }
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

  #signalled(queue: string): void {
    const { ready, delayed } = this.#look(queue);
    // The signal may be about a job that is delayed for less long than those known.
    const count = delayed ? Math.max(ready, 1) : ready;
    const known = this.#waiters.get(queue);
    for (const waiter of [...(known?.waiters ?? [])].slice(0, count)) {
      // It leaves by itself, but not before the next signal.
      known?.waiters.delete(waiter);
      waiter.wake();
    }
  }

  /** How many jobs may be claimed now, and whether there are others that are delayed. What cannot be read now is not there: core looks again by itself. */
  #look(queue: string): { readonly ready: number; readonly delayed: boolean } {
    const { engine, namespace, now } = this.#context;
    try {
      const row = engine.sql(STATE).get(namespace, queue);
      if (!row || row.paused === 1) return { ready: 0, delayed: false };
      const delayed = Number(row.delayed) > 0;
      const due = delayed && engine.sql(DUE).get(Number(row.number), now()) ? 1 : 0;
      const limits = row.limits === null ? null : decodeQueueLimits(String(row.limits));
      return { ready: claimable(engine, { ...(row as unknown as Claimable), limits }, now()) + due, delayed };
    } catch {
      return { ready: 0, delayed: false };
    }
  }

  #close(): void {
    for (const { waiters } of [...this.#waiters.values()]) for (const { wake } of [...waiters]) wake();
  }
}
