import type { Topics } from '@portolan/core';
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

/** Publish and subscribe, with resume. */
export function createTopicsService(topics: Topics) {
  return {
    publish: (topic: string, data: unknown) => topics.publish(topic, data),
    /** Live messages, after those that a resuming subscriber missed; ends when the signal aborts. */
    async *stream(input: z.output<typeof streamInput>, signal: AbortSignal): AsyncGenerator<StreamedMessage, void> {
      const after = input.lastEventId || input.after || 'end';
      for await (const message of topics.subscribe(input.topic, { after, signal })) {
        yield { id: message.id, data: message.data, at: new Date(message.at).toISOString(), gap: message.gap ?? false };
      }
    },
  };
}
