import { readProcedure, router } from '../trpc.ts';
import * as schema from './schema.ts';

export const systemRouter = router({
  ping: readProcedure
    .meta({ summary: 'Ask the store whether it answers', rest: { method: 'GET', path: '/ping' } })
    .output(schema.pingOutput)
    .query(({ ctx }) => ctx.services.system.ping()),
  info: readProcedure
    .meta({ summary: 'Version and backend of this process', rest: { method: 'GET', path: '/info' } })
    .output(schema.infoOutput)
    .query(({ ctx }) => ctx.services.system.info()),
});
