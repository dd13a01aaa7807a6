import { type Collection, type Document, defineCollection, PortolanError } from '@portolan/core';
import type { z } from 'zod';
import { type listInput, type patchInput, type putInput, type User, type UserOutput, user } from './schema.ts';

export const usersCollection = defineCollection({
  name: 'users',
  schema: user,
  indexes: { city: { key: (one: User) => one.city } },
});

/** Created on first start, never overwritten. */
const SAMPLES: readonly { readonly id: string; readonly value: User }[] = [
  { id: '1', value: { name: 'Paul John', email: 'paul.john@example.com', age: 42, city: 'London' } },
  { id: '2', value: { name: 'Eden Zamir', email: 'eden.zamir@example.com', age: 29, city: 'Tel Aviv' } },
  { id: '3', value: { name: 'Paul Zamir', email: 'paul.zamir@example.com', age: 35, city: 'Tel Aviv' } },
];

export type UsersService = ReturnType<typeof createUsersService>;

/** User records as documents: validated, with revisions. */
export function createUsersService(users: Collection<User>) {
  const present = ({ id, value, revision }: Document<User>): UserOutput => ({ id, ...value, revision });
  const expecting = (revision: number | undefined) => (revision === undefined ? {} : { revision });
  return {
    async get(id: string) {
      const found = await users.get(id);
      if (!found) throw new PortolanError('NOT_FOUND', `user ${id} does not exist`);
      return present(found);
    },
    async put({ id, user, revision }: z.output<typeof putInput>) {
      try {
        return present(await users.put(id, user, expecting(revision)));
      } catch (error) {
        // A put needs no user to be there, so that the one of this revision is gone is a lost race like any other (RFC 9110, 13.1.1).
        if (!PortolanError.is(error, 'NOT_FOUND')) throw error;
        throw new PortolanError('CONFLICT', `user ${id}: revision ${revision} is gone`, { cause: error });
      }
    },
    patch: async (input: z.output<typeof patchInput>) =>
      present(await users.patch(input.id, input.patch, expecting(input.revision))),
    async delete(id: string, revision?: number) {
      const deleted = await users.delete(id, expecting(revision));
      if (!deleted) throw new PortolanError('NOT_FOUND', `user ${id} does not exist`);
      return { deleted };
    },
    async list({ city, cursor, limit }: z.output<typeof listInput>) {
      const where = city === undefined ? {} : { index: 'city', equals: city };
      const page = await users.find({ ...where, cursor: cursor ?? null, ...(limit ? { limit } : {}) });
      return { users: page.documents.map(present), cursor: page.cursor };
    },
    seed: () => users.seed([...SAMPLES]),
  };
}
