import { readProcedure, router, writeProcedure } from '../trpc.ts';
import * as schema from './schema.ts';

export const flowsRouter = router({
  push: writeProcedure
    .meta({
      summary: 'Push a job together with the jobs it waits for',
      rest: { method: 'POST', path: '/flows', status: 202 },
    })
    .input(schema.pushInput)
    .output(schema.pushedOutput)
    .mutation(({ ctx, input }) => ctx.services.flows.push(input)),
  children: readProcedure
    .meta({
      summary: 'The jobs that a job waits for or waited for, and how they finished',
      rest: { method: 'GET', path: '/jobs/{id}/children' },
    })
    .input(schema.idInput)
    .output(schema.childrenOutput)
    .query(({ ctx, input }) => ctx.services.flows.children(input.id)),
});
