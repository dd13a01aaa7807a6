import { readProcedure, router, writeProcedure } from '../trpc.ts';
import * as schema from './schema.ts';

export const pagesRouter = router({
  get: readProcedure
    .meta({ summary: 'Fetch a page, cached by its URL', rest: { method: 'GET', path: '/pages' } })
    .input(schema.pageInput)
    .output(schema.pageOutput)
    .query(({ ctx, input }) => ctx.services.pages.get(input)),
  enqueue: writeProcedure
    .meta({ summary: 'Fetch a page as a background job', rest: { method: 'POST', path: '/pages', status: 202 } })
    .input(schema.pageInput)
    .output(schema.enqueuedOutput)
    .mutation(({ ctx, input }) => ctx.services.pages.enqueue(input)),
});
