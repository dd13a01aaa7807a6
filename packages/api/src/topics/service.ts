import type { Runtime, Topics } from '@portolan/core';
import type { z } from 'zod';
import { openStream } from '../stream.ts';
import type { streamInput } from './schema.ts';

export type TopicsService = ReturnType<typeof createTopicsService>;

/** Publish and subscribe, with resume. */
export function createTopicsService(topics: Topics, runtime: Pick<Runtime, 'sleep'>) {
  return {
    publish: (topic: string, data: unknown) => topics.publish(topic, data),
    /** Live messages, after those that a resuming subscriber missed; ends when the signal aborts. Throws INVALID before anything is streamed. */
    async stream({ topic, lastEventId, after }: z.output<typeof streamInput>, signal: AbortSignal) {
      const subscription = topics.subscribe(topic, { after: lastEventId || after || 'end', signal });
      return openStream(subscription, (data) => ({ data }), runtime, signal);
    },
  };
}
