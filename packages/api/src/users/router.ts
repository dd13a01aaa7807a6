import type { RestReply } from '../http/route.ts';
import { readProcedure, router, writeProcedure } from '../trpc.ts';
import * as schema from './schema.ts';

const withETag = (user: schema.UserOutput): RestReply => ({ body: user, headers: { etag: `"${user.revision}"` } });
const ifMatch = { 'if-match': 'revision' };

export const usersRouter = router({
  get: readProcedure
    .meta({ summary: 'A user', rest: { method: 'GET', path: '/users/{id}', reply: withETag } })
    .input(schema.idInput)
    .output(schema.userOutput)
    .query(({ ctx, input }) => ctx.services.users.get(input.id)),
  put: writeProcedure
    .meta({
      summary: 'Create or replace a user',
      rest: { method: 'PUT', path: '/users/{id}', body: 'user', headers: ifMatch, reply: withETag },
    })
    .input(schema.putInput)
    .output(schema.userOutput)
    .mutation(({ ctx, input }) => ctx.services.users.put(input)),
  patch: writeProcedure
    .meta({
      summary: 'Change fields of a user',
      rest: { method: 'PATCH', path: '/users/{id}', body: 'patch', headers: ifMatch, reply: withETag },
    })
    .input(schema.patchInput)
    .output(schema.userOutput)
    .mutation(({ ctx, input }) => ctx.services.users.patch(input)),
  delete: writeProcedure
    .meta({ summary: 'Delete a user', rest: { method: 'DELETE', path: '/users/{id}', headers: ifMatch } })
    .input(schema.deleteInput)
    .output(schema.deletedOutput)
    .mutation(({ ctx, input }) => ctx.services.users.delete(input.id, input.revision)),
  list: readProcedure
    .meta({ summary: 'Users, all or of a city', rest: { method: 'GET', path: '/users' } })
    .input(schema.listInput)
    .output(schema.listOutput)
    .query(({ ctx, input }) => ctx.services.users.list(input)),
});
