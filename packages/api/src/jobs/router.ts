import { trackedById } from '../stream.ts';
import { adminProcedure, readProcedure, router, writeProcedure } from '../trpc.ts';
import * as schema from './schema.ts';

export const jobsRouter = router({
  get: readProcedure
    .meta({ summary: 'A job: state, progress, result', rest: { method: 'GET', path: '/jobs/{id}' } })
    .input(schema.idInput)
    .output(schema.jobOutput)
    .query(({ ctx, input }) => ctx.services.jobs.get(input.id)),
  logs: readProcedure
    .meta({ summary: 'What a job has logged', rest: { method: 'GET', path: '/jobs/{id}/logs' } })
    .input(schema.idInput)
    .output(schema.logsOutput)
    .query(({ ctx, input }) => ctx.services.jobs.logs(input.id)),
  cancel: writeProcedure
    .meta({ summary: 'Cancel a job', rest: { method: 'POST', path: '/jobs/{id}/cancel' } })
    .input(schema.idInput)
    .output(schema.outcomeOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.cancel(input.id)),
  retry: writeProcedure
    .meta({
      summary: 'Run a failed or cancelled job again, with other data if told',
      rest: { method: 'POST', path: '/jobs/{id}/retry' },
    })
    .input(schema.retryInput)
    .output(schema.outcomeOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.retry(input.id, input.data)),
  promote: writeProcedure
    .meta({ summary: 'Make a delayed job due now', rest: { method: 'POST', path: '/jobs/{id}/promote' } })
    .input(schema.idInput)
    .output(schema.outcomeOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.promote(input.id)),
  remove: writeProcedure
    .meta({ summary: 'Forget a job that is not running', rest: { method: 'DELETE', path: '/jobs/{id}' } })
    .input(schema.idInput)
    .output(schema.outcomeOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.remove(input.id)),
  events: readProcedure
    .meta({
      summary: 'What happens to the jobs of a queue as server-sent events; resumes behind Last-Event-ID',
      rest: { method: 'GET', path: '/queues/{queue}/events', headers: { 'last-event-id': 'lastEventId' } },
    })
    .input(schema.eventsInput)
    // Not a generator itself: what is wrong with the input is answered before the stream opens.
    .subscription(async ({ ctx, input, signal }) =>
      trackedById(await ctx.services.jobs.events(input, signal ?? new AbortController().signal)),
    ),
});

export const queuesRouter = router({
  push: writeProcedure
    .meta({ summary: 'Push a job', rest: { method: 'POST', path: '/queues/{queue}/jobs', status: 202 } })
    .input(schema.pushInput)
    .output(schema.pushedOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.push(input)),
  pushMany: writeProcedure
    .meta({
      summary: 'Push up to 1,000 jobs of a kind; all data is checked before the first is stored',
      rest: { method: 'POST', path: '/queues/{queue}/jobs/bulk', status: 202 },
    })
    .input(schema.pushManyInput)
    .output(schema.pushedManyOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.pushMany(input)),
  list: readProcedure
    .meta({ summary: 'The queues with their counts', rest: { method: 'GET', path: '/queues' } })
    .output(schema.queuesOutput)
    .query(({ ctx }) => ctx.services.jobs.queues()),
  jobs: readProcedure
    .meta({ summary: 'Jobs of a queue in a state', rest: { method: 'GET', path: '/queues/{queue}/jobs' } })
    .input(schema.listInput)
    .output(schema.listOutput)
    .query(({ ctx, input }) => ctx.services.jobs.list(input)),
  retry: writeProcedure
    .meta({
      summary: 'Run the failed or cancelled jobs of a queue again, all or those named',
      rest: { method: 'POST', path: '/queues/{queue}/retry' },
    })
    .input(schema.retryManyInput)
    .output(schema.retriedOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.retryMany(input)),
  pause: adminProcedure
    .meta({ summary: 'Stop claiming from a queue', rest: { method: 'POST', path: '/queues/{queue}/pause' } })
    .input(schema.queueInput)
    .output(schema.outcomeOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.pause(input.queue)),
  limit: adminProcedure
    .meta({
      summary: 'Set the limits of a queue and of its groups, instead of those it has; {} lifts them',
      rest: { method: 'PUT', path: '/queues/{queue}/limits' },
    })
    .input(schema.limitsInput)
    .output(schema.outcomeOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.limit(input)),
  resume: adminProcedure
    .meta({ summary: 'Claim from a paused queue again', rest: { method: 'POST', path: '/queues/{queue}/resume' } })
    .input(schema.queueInput)
    .output(schema.outcomeOutput)
    .mutation(({ ctx, input }) => ctx.services.jobs.resume(input.queue)),
});
