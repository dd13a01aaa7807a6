import { z } from 'zod';
import { namedMembers } from '../named-members.ts';

const key = z.string().min(1).max(512).describe('1 to 512 bytes; percent-encode slashes in a path');
const ttlMs = z.int().min(1).describe('time to live in ms');
const jsonValue = z.unknown().refine((value) => value !== undefined, 'required: any JSON value');

export const keyInput = z.strictObject({ key });
export const setInput = z.strictObject({
  key,
  value: jsonValue,
  ttlMs: ttlMs.optional(),
  if: z.enum(['absent', 'present']).optional().describe('write only when the key is absent (NX) or present (XX)'),
  version: z.string().optional().describe('write only when the stored value has this version'),
});
export const setOutput = z.object({ written: z.boolean(), version: z.string().nullable() });
export const entryOutput = z.object({
  key: z.string(),
  value: z.unknown(),
  version: z.string(),
  ttlMs: z.number().nullable(),
});
export const deletedOutput = z.object({ deleted: z.boolean() });
export const listInput = z.strictObject({
  pattern: z.string().max(512).optional().describe('glob: * any run, ? one character, \\ escapes'),
  cursor: z.string().max(20_000).nullish(),
  limit: z.int().min(1).max(1_000).optional(),
});
export const listOutput = z.object({
  keys: z.array(
    z.object({ key: z.string(), type: z.enum(['value', 'fields']), ttlMs: z.number().nullable(), size: z.number() }),
  ),
  cursor: z.string().nullable(),
});
const fields = z.record(z.string().min(1), z.unknown());
export const setFieldsInput = z.strictObject({ key, fields: namedMembers(fields), ttlMs: ttlMs.optional() });
export const fieldsOutput = z.object({ fields });
export const fieldInput = z.strictObject({ key, field: z.string().min(1) });
export const fieldOutput = z.object({ value: z.unknown() });
