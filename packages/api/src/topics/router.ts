import { trackedById } from '../stream.ts';
import { readProcedure, router, writeProcedure } from '../trpc.ts';
import * as schema from './schema.ts';

export const topicsRouter = router({
  publish: writeProcedure
    .meta({ summary: 'Publish to a topic', rest: { method: 'POST', path: '/topics/{topic}/messages' } })
    .input(schema.publishInput)
    .output(schema.publishOutput)
    .mutation(({ ctx, input }) => ctx.services.topics.publish(input.topic, input.data)),
  stream: readProcedure
    .meta({
      summary: 'Messages of a topic as server-sent events; resumes behind Last-Event-ID',
      rest: { method: 'GET', path: '/topics/{topic}/stream', headers: { 'last-event-id': 'lastEventId' } },
    })
    .input(schema.streamInput)
    // Not a generator itself: what is wrong with the input is answered before the stream opens.
    .subscription(async ({ ctx, input, signal }) =>
      trackedById(await ctx.services.topics.stream(input, signal ?? new AbortController().signal)),
    ),
});
