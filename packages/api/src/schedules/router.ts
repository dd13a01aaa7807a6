import { readProcedure, router, writeProcedure } from '../trpc.ts';
import * as schema from './schema.ts';

export const schedulesRouter = router({
  put: writeProcedure
    .meta({
      summary: 'Push a job by cron or at an interval; said again it changes nothing',
      rest: { method: 'PUT', path: '/queues/{queue}/schedules/{id}' },
    })
    .input(schema.putInput)
    .output(schema.doneOutput)
    .mutation(({ ctx, input }) => ctx.services.schedules.put(input)),
  delete: writeProcedure
    .meta({
      summary: 'Remove a schedule; its jobs stay',
      rest: { method: 'DELETE', path: '/queues/{queue}/schedules/{id}' },
    })
    .input(schema.scheduleInput)
    .output(schema.doneOutput)
    .mutation(({ ctx, input }) => ctx.services.schedules.delete(input.queue, input.id)),
  list: readProcedure
    .meta({
      summary: 'The schedules of a queue, the next due first',
      rest: { method: 'GET', path: '/queues/{queue}/schedules' },
    })
    .input(schema.listInput)
    .output(schema.listOutput)
    .query(({ ctx, input }) => ctx.services.schedules.list(input)),
});
