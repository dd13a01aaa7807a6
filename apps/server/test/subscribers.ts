import type { PortolanClient } from '@portolan/api/client';
import { readEvents } from './surface/event-reader.ts';

export interface Message {
  readonly id: string;
  readonly data: unknown;
  readonly gap: boolean;
}

/** One that listens to a topic. */
export interface Heard {
  /** So far. */
  readonly messages: readonly Message[];
  /** Errors and ends that it was told of. */
  readonly failures: readonly unknown[];
  stop(): void;
}

/** Server-sent events over one response. */
export async function hearEvents(url: string, topic: string): Promise<Heard> {
  const reader = await readEvents(`${url}/api/topics/${topic}/stream`);
  return {
    get messages() {
      return reader.events.filter(({ event }) => event === undefined).map(({ data }) => data as Message);
    },
    get failures() {
      const errors = reader.events.filter(({ event }) => event !== undefined);
      return reader.ended() ? [...errors, 'the stream ended'] : errors;
    },
    stop: () => reader.close(),
  };
}

/** A subscription of the typed client; resolves once the server has confirmed it. */
export async function hearSubscription(client: PortolanClient, topic: string): Promise<Heard> {
  const messages: Message[] = [];
  const failures: unknown[] = [];
  const started = Promise.withResolvers<void>();
  const subscription = client.topics.stream.subscribe(
    { topic },
    {
      onStarted: () => started.resolve(),
      onData: ({ data }) => messages.push(data as Message),
      onError: (error) => failures.push(error),
      onComplete: () => failures.push(new Error('the subscription ended')),
    },
  );
  await started.promise;
  return { messages, failures, stop: () => subscription.unsubscribe() };
}
