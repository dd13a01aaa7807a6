import {
  type BroadcastPort,
  createTopics,
  type Subscription,
  type TopicEvent,
  type TopicRetention,
} from '@portolan/core';
import type { Kit } from './harness.ts';

/** Far-off limits, for cases that are about something else. */
export const LONG: TopicRetention = { count: 1_000, ms: 600_000, resumeMs: 600_000 };

/** Values as messages. */
export const said = (...data: unknown[]) => data.map((one) => ({ data: JSON.stringify(one) }));
/** The values of a read. */
export const heard = (read: { messages: readonly { data: string }[] } | undefined) =>
  read?.messages.map((message) => JSON.parse(message.data) as unknown);

export async function readOne(port: BroadcastPort, topic: string, after: string, limit = 100) {
  const [read] = await port.read([{ topic, after }], limit);
  if (!read) throw new Error('no answer');
  return read;
}

/** A port with some methods replaced; the replacement gets the real port. */
export function wrapPort(port: BroadcastPort, change: (port: BroadcastPort) => Partial<BroadcastPort>): BroadcastPort {
  return { ...port, ...change(port) };
}

export interface Collector<T = unknown> {
  readonly events: TopicEvent<T>[];
  readonly data: () => T[];
  /** Settles when the iteration ends. */
  readonly done: Promise<void>;
  /** Waits for the n-th event. */
  until(count: number): Promise<void>;
}

/** Reads a subscription to its end in the background. */
export function collect<T>(kit: Kit, subscription: Subscription<T>): Collector<T> {
  const events: TopicEvent<T>[] = [];
  const done = (async () => {
    for await (const event of subscription) events.push(event);
  })();
  done.catch(() => undefined);
  return {
    events,
    data: () => events.map((event) => event.data),
    done,
    until: async (count) => void (await kit.eventually(`${count} events`, () => events.length >= count)),
  };
}

/** Awaits a promise while time passes. */
export async function during<T>(kit: Kit, promise: Promise<T>): Promise<T> {
  let settled = false;
  const end = () => {
    settled = true;
  };
  promise.then(end, end);
  await kit.eventually('the promise settles', () => settled);
  return promise;
}

export const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

export const topicsOf = (kit: Kit, port: BroadcastPort, more: { retention?: { count?: number; ms?: number } } = {}) =>
  createTopics({ port, runtime: kit.runtime, ...more });
