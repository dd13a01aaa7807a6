import type { RestReply } from '../http/route.ts';
import { readProcedure, router } from '../trpc.ts';
import * as schema from './schema.ts';

const withCacheHeaders = ({ universities, cache, ageMs }: schema.SearchOutput): RestReply => ({
  body: universities,
  headers: { 'x-cache': cache, age: String(Math.floor(ageMs / 1000)) },
});

export const universitiesRouter = router({
  search: readProcedure
    .meta({
      summary: 'Universities of a country, from the cached upstream',
      rest: { method: 'GET', path: '/universities', reply: withCacheHeaders },
    })
    .input(schema.searchInput)
    .output(schema.searchOutput)
    .query(({ ctx, input }) => ctx.services.universities.search(input)),
});
