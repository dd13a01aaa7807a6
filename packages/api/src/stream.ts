import type { Runtime, Subscription } from '@portolan/core';
import { tracked } from '@trpc/server';

/** How long a stream waits for its position before it opens all the same, to get it once the store is back. */
const READY_MS = 2_000;

/** What every streamed message has. */
export interface Streamed {
  /** Resume behind it. */
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  /** True when messages before this one are lost: they were older than what is kept, or never reached the store. */
  readonly gap: boolean;
}

async function* presented<T, O extends object>(
  subscription: Subscription<T>,
  present: (data: T) => O,
): AsyncGenerator<Streamed & O, void> {
  for await (const { id, data, at, gap = false } of subscription) {
    yield { id, ...present(data), at: new Date(at).toISOString(), gap };
  }
}

/** A subscription as it is streamed to a client. Resolves once what is published from now on will be seen (unless the store is away). */
export async function openStream<T, O extends object>(
  subscription: Subscription<T>,
  present: (data: T) => O,
  runtime: Pick<Runtime, 'sleep'>,
  signal: AbortSignal,
): Promise<AsyncGenerator<Streamed & O, void>> {
  const waiting = new AbortController();
  await Promise.race([
    subscription.ready.finally(() => waiting.abort()),
    runtime.sleep(READY_MS, AbortSignal.any([signal, waiting.signal])),
  ]);
  return presented(subscription, present);
}

/** With the ids that tRPC resumes behind. */
export async function* trackedById<T extends Streamed>(messages: AsyncIterable<T>) {
  for await (const message of messages) yield tracked(message.id, message);
}
