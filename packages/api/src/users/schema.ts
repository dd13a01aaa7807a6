import { z } from 'zod';
import { namedMembers } from '../named-members.ts';

/** A user as it is stored. Unknown fields are refused. */
export const user = z.strictObject({
  name: z.string().min(1).max(200),
  email: z.email().max(320),
  age: z.int().min(0).max(150),
  city: z.string().min(1).max(200),
  height: z.number().positive().optional().describe('cm'),
  weight: z.number().positive().optional().describe('kg'),
  gender: z.string().min(1).max(50).optional(),
});
export type User = z.output<typeof user>;

const id = z.string().min(1).max(200);
const revision = z.int().min(0).optional().describe('write only while this is the stored revision');

export const idInput = z.strictObject({ id });
export const putInput = z.strictObject({ id, user: namedMembers(user), revision });
export const patchInput = z.strictObject({
  id,
  patch: namedMembers(z.record(z.string(), z.unknown())).describe('JSON merge patch (RFC 7396): null removes a field'),
  revision,
});
export const deleteInput = z.strictObject({ id, revision });
export const listInput = z.strictObject({
  city: z.string().min(1).optional(),
  cursor: z.string().nullish(),
  limit: z.int().min(1).max(1_000).optional(),
});
export const userOutput = z.strictObject({ id: z.string(), ...user.shape, revision: z.int() });
export type UserOutput = z.output<typeof userOutput>;
export const listOutput = z.object({ users: z.array(userOutput), cursor: z.string().nullable() });
export const deletedOutput = z.object({ deleted: z.boolean() });
