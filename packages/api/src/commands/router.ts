import { adminProcedure, readProcedure, router } from '../trpc.ts';
import * as schema from './schema.ts';

export const commandsRouter = router({
  send: adminProcedure
    .meta({ summary: 'Run a command on every live process', rest: { method: 'POST', path: '/commands' } })
    .input(schema.sendInput)
    .output(schema.sendOutput)
    .mutation(({ ctx, input }) => ctx.services.commands.send(input)),
  instances: readProcedure
    .meta({ summary: 'The live processes', rest: { method: 'GET', path: '/instances' } })
    .output(schema.instancesOutput)
    .query(({ ctx }) => ctx.services.commands.instances()),
});
