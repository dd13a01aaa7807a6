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
  cacheList: readProcedure
    .meta({ summary: 'Cache entries by pattern, page by page', rest: { method: 'GET', path: '/cache' } })
    .input(schema.cacheListInput)
    .output(schema.cacheListOutput)
    .query(({ ctx, input }) => ctx.services.system.cacheList(input)),
  cacheEntry: readProcedure
    .meta({ summary: 'A cache entry: value, type, time to live', rest: { method: 'GET', path: '/cache/{key}' } })
    .input(schema.cacheEntryInput)
    .output(schema.cacheEntryOutput)
    .query(({ ctx, input }) => ctx.services.system.cacheEntry(input.key)),
});
