import { z } from 'zod';
import { readProcedure, router, writeProcedure } from '../trpc.ts';
import * as schema from './schema.ts';

export const keysRouter = router({
  set: writeProcedure
    .meta({ summary: 'Set a key', rest: { method: 'PUT', path: '/keys/{key}' } })
    .input(schema.setInput)
    .output(schema.setOutput)
    .mutation(({ ctx, input }) => ctx.services.keys.set(input)),
  get: readProcedure
    .meta({ summary: 'A key with its version and time to live', rest: { method: 'GET', path: '/keys/{key}' } })
    .input(schema.keyInput)
    .output(schema.entryOutput)
    .query(({ ctx, input }) => ctx.services.keys.get(input.key)),
  delete: writeProcedure
    .meta({ summary: 'Delete a key', rest: { method: 'DELETE', path: '/keys/{key}' } })
    .input(schema.keyInput)
    .output(schema.deletedOutput)
    .mutation(({ ctx, input }) => ctx.services.keys.delete(input.key)),
  list: readProcedure
    .meta({ summary: 'Keys by pattern, page by page', rest: { method: 'GET', path: '/keys' } })
    .input(schema.listInput)
    .output(schema.listOutput)
    .query(({ ctx, input }) => ctx.services.keys.list(input)),
  setFields: writeProcedure
    .meta({ summary: 'Set several fields of a key', rest: { method: 'PUT', path: '/keys/{key}/fields' } })
    .input(schema.setFieldsInput)
    .output(schema.fieldsOutput)
    .mutation(({ ctx, input }) => ctx.services.keys.setFields(input)),
  getFields: readProcedure
    .meta({ summary: 'All fields of a key', rest: { method: 'GET', path: '/keys/{key}/fields' } })
    .input(schema.keyInput)
    .output(schema.fieldsOutput)
    .query(({ ctx, input }) => ctx.services.keys.getFields(input.key)),
  getField: readProcedure
    .meta({ summary: 'One field of a key', rest: { method: 'GET', path: '/keys/{key}/fields/{field}' } })
    .input(schema.fieldInput)
    .output(schema.fieldOutput)
    .query(({ ctx, input }) => ctx.services.keys.getField(input.key, input.field)),
  hasField: readProcedure
    .input(schema.fieldInput)
    .output(z.boolean())
    .query(({ ctx, input }) => ctx.services.keys.hasField(input.key, input.field)),
  deleteField: writeProcedure
    .meta({ summary: 'Delete a field of a key', rest: { method: 'DELETE', path: '/keys/{key}/fields/{field}' } })
    .input(schema.fieldInput)
    .output(schema.deletedOutput)
    .mutation(({ ctx, input }) => ctx.services.keys.deleteField(input.key, input.field)),
});
