import { readProcedure, router, writeProcedure } from '../trpc.ts';
import * as schema from './schema.ts';

export const countersRouter = router({
  increment: writeProcedure
    .meta({ summary: 'Add to a counter', rest: { method: 'POST', path: '/counters/{name}/increment' } })
    .input(schema.incrementInput)
    .output(schema.valueOutput)
    .mutation(({ ctx, input }) => ctx.services.counters.increment(input)),
  get: readProcedure
    .meta({ summary: 'The value of a counter', rest: { method: 'GET', path: '/counters/{name}' } })
    .input(schema.nameInput)
    .output(schema.valueOutput)
    .query(({ ctx, input }) => ctx.services.counters.get(input.name)),
  set: writeProcedure
    .meta({ summary: 'Set a counter', rest: { method: 'PUT', path: '/counters/{name}' } })
    .input(schema.setInput)
    .output(schema.valueOutput)
    .mutation(({ ctx, input }) => ctx.services.counters.set(input.name, input.value)),
});
