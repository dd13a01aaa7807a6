import type { Runtime, Topics } from '@portolan/core';
import type { z } from 'zod';
import type { streamInput } from './schema.ts';

export interface StreamedMessage {
  readonly id: string;
  readonly data: unknown;
  /** ISO 8601. */
  readonly at: string;
  /** True when messages before this one are lost: they were older than the topic's retention. */
  readonly gap: boolean;
}

export type TopicsService = ReturnType<typeof createTopicsService>;

/** How long a stream waits for its position before it opens all the same, to get it once the store is back. */
const READY_MS = 2_000;

/** Publish and subscribe, with resume. */
export function createTopicsService(topics: Topics, runtime: Pick<Runtime, 'sleep'>) {
  async function* present(subscription: ReturnType<Topics['subscribe']>): AsyncGenerator<StreamedMessage, void> {
    for await (const message of subscription) {
      yield { id: message.id, data: message.data, at: new Date(message.at).toISOString(), gap: message.gap ?? false };
    }
  }
  return {
    publish: (topic: string, data: unknown) => topics.publish(topic, data),
    /**
     * Live messages, after those that a resuming subscriber missed; ends when the signal aborts. Resolves once what is published from now on will
     * be seen (unless the store is away), and throws INVALID before anything is streamed.
     */
    async stream(
      input: z.output<typeof streamInput>,
      signal: AbortSignal,
    ): Promise<AsyncGenerator<StreamedMessage, void>> {
      const after = input.lastEventId || input.after || 'end';
      const subscription = topics.subscribe(input.topic, { after, signal });
      const waiting = new AbortController();
      await Promise.race([
        subscription.ready.finally(() => waiting.abort()),
        runtime.sleep(READY_MS, AbortSignal.any([signal, waiting.signal])),
      ]);
      return present(subscription);
    },
  };
}
