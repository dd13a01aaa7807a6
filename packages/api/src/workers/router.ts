import { readProcedure, router } from '../trpc.ts';
import * as schema from './schema.ts';

export const workersRouter = router({
  list: readProcedure
    .meta({ summary: 'The live workers and what they run', rest: { method: 'GET', path: '/workers' } })
    .output(schema.listOutput)
    .query(({ ctx }) => ctx.services.workers.list()),
});
