import { expect } from 'vitest';
import type { Case } from './case.ts';
import { type Answer, type Question, query, type Talk } from './talk.ts';

interface User {
  readonly id: string;
  readonly revision: number;
  readonly [field: string]: unknown;
}
type Fields = Readonly<Record<string, unknown>>;

const at = (id: string) => `/api/users/${encodeURIComponent(id)}`;
const ifMatch = (revision: number | undefined): Record<string, string> =>
  revision === undefined ? {} : { 'if-match': `"${revision}"` };
const get = (id: string): Question => ({ rest: ['GET', at(id)], trpc: (client) => client.users.get.query({ id }) });
const put = (id: string, user: Fields, revision?: number): Question => ({
  rest: ['PUT', at(id), user, ifMatch(revision)],
  trpc: (client) => client.users.put.mutate({ id, user: user as never, revision }),
});
const patch = (id: string, change: Fields, revision?: number): Question => ({
  rest: ['PATCH', at(id), change, ifMatch(revision)],
  trpc: (client) => client.users.patch.mutate({ id, patch: change, revision }),
});
const remove = (id: string, revision?: number): Question => ({
  rest: ['DELETE', at(id), undefined, ifMatch(revision)],
  trpc: (client) => client.users.delete.mutate({ id, revision }),
});
const list = (input: { city?: string; cursor?: string; limit?: number }): Question => ({
  rest: ['GET', `/api/users?${query(input)}`],
  trpc: (client) => client.users.list.query(input),
});

const ada = { name: 'Ada Byron', email: 'ada@example.com', age: 36, city: 'London', height: 165.5, gender: 'female' };

/** Over REST the ETag is the revision; a lost race is 412 there and CONFLICT everywhere. */
function expectETag({ headers, value }: Answer<User>): void {
  if (headers) expect(headers.get('etag')).toBe(`"${value.revision}"`);
}
function expectLost(answer: Answer, { transport }: Talk): void {
  expect(answer).toMatchObject({ code: 'CONFLICT', status: transport === 'REST' ? 412 : 409 });
}

export const userCases: readonly Case[] = [
  {
    title: 'the three sample users are there',
    async play({ ask }) {
      const found = await Promise.all(['1', '2', '3'].map((id) => ask<User>(get(id))));
      expect(found.map(({ value }) => value)).toEqual([
        {
          id: '1',
          name: 'Paul John',
          email: 'paul.john@example.com',
          age: 42,
          city: 'London',
          revision: expect.any(Number),
        },
        {
          id: '2',
          name: 'Eden Zamir',
          email: 'eden.zamir@example.com',
          age: 29,
          city: 'Tel Aviv',
          revision: expect.any(Number),
        },
        {
          id: '3',
          name: 'Paul Zamir',
          email: 'paul.zamir@example.com',
          age: 35,
          city: 'Tel Aviv',
          revision: expect.any(Number),
        },
      ]);
      for (const answer of found) expectETag(answer);
      const { value } = await ask<{ users: User[]; cursor: null }>(list({ city: 'Tel Aviv' }));
      expect([value.users.map(({ id }) => id).sort(), value.cursor]).toEqual([['2', '3'], null]);
    },
  },
  {
    title: 'PUT creates and replaces, GET answers the same with its ETag, DELETE removes',
    async play({ ask, run }) {
      const id = `${run} ada/1`;
      expect(await ask(get(id))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      const created = await ask<User>(put(id, ada));
      expect(created).toMatchObject({ code: 'OK', status: 200, value: { id, ...ada } });
      expectETag(created);
      const got = await ask<User>(get(id));
      expect(got.value).toEqual(created.value);
      expectETag(got);
      const { gender: _gender, ...less } = ada;
      const replaced = await ask<User>(put(id, { ...less, age: 37 }));
      expect(replaced.value).toEqual({ id, ...less, age: 37, revision: expect.any(Number) });
      expect(replaced.value.revision).toBeGreaterThan(created.value.revision);
      expect((await ask(remove(id))).value).toEqual({ deleted: true });
      expect(await ask(remove(id))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      expect(await ask(patch(id, { age: 1 }))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
    },
  },
  {
    title: 'PATCH merges; null removes a field; a required field cannot be removed',
    async play({ ask, run }) {
      const id = `${run}-patch`;
      await ask(put(id, ada));
      const patched = await ask<User>(patch(id, { age: 37, gender: null, weight: 60 }));
      const { gender: _gender, ...less } = ada;
      expect(patched.value).toEqual({ id, ...less, age: 37, weight: 60, revision: expect.any(Number) });
      expectETag(patched);
      expect(await ask(patch(id, { name: null }))).toMatchObject({ code: 'INVALID', status: 400, issues: ['name'] });
      expect((await ask<User>(get(id))).value).toEqual(patched.value);
      await ask(remove(id));
    },
  },
  {
    title: 'If-Match: the right revision writes, an old one is told of the lost race',
    async play(talk) {
      const { ask, run } = talk;
      const id = `${run}-match`;
      const { value: first } = await ask<User>(put(id, ada));
      const { value: second } = await ask<User>(patch(id, { age: 37 }, first.revision));
      expect(second.age).toBe(37);
      expectLost(await ask(patch(id, { age: 99 }, first.revision)), talk);
      expectLost(await ask(put(id, ada, first.revision)), talk);
      expectLost(await ask(remove(id, first.revision)), talk);
      expect((await ask<User>(get(id))).value).toEqual(second);
      expect((await ask(remove(id, second.revision))).value).toEqual({ deleted: true });
      expectLost(await ask(put(id, ada, second.revision)), talk);
    },
  },
  {
    title: 'of ten writers with one revision exactly one wins',
    async play(talk) {
      const id = `${talk.run}-race`;
      const { value } = await talk.ask<User>(put(id, ada));
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, age) => talk.poll(patch(id, { age }, value.revision))),
      );
      const lost = answers.filter(({ code }) => code !== 'OK');
      expect(lost).toHaveLength(9);
      for (const answer of lost) expectLost(answer, talk);
      await talk.ask(remove(id));
    },
  },
  {
    title: 'a user that is not as it should be is refused with every path',
    async play({ ask, run }) {
      const id = `${run}-wrong`;
      const { name: _name, ...nameless } = ada;
      const wrong: [user: Fields, issues: string[]][] = [
        [nameless, ['name']],
        [{ ...ada, age: -1, email: 'no address' }, ['email', 'age']],
        [{ ...ada, age: '36' }, ['age']],
        [{ ...ada, city: '' }, ['city']],
        [{ ...ada, height: 0 }, ['height']],
      ];
      for (const [user, issues] of wrong) {
        const answer = await ask(put(id, user));
        expect(answer).toMatchObject({ code: 'INVALID', status: 400 });
        expect(answer.issues.map((path) => path.replace(/^user\./, '')).sort()).toEqual(issues.sort());
      }
      const unknown = await ask(put(id, { ...ada, shoe: 43 }));
      expect(unknown).toMatchObject({ code: 'INVALID', status: 400 });
      expect(unknown.message).toContain('shoe');
      expect(await ask(patch('1', { shoe: 43 }))).toMatchObject({ code: 'INVALID', status: 400 });
      expect(await ask(patch('1', { id: '9' }))).toMatchObject({ code: 'INVALID', status: 400 });
      expect(await ask(patch('1', { revision: 9 }))).toMatchObject({ code: 'INVALID', status: 400 });
      expect(await ask(get(id))).toMatchObject({ code: 'NOT_FOUND' });
    },
  },
  {
    title: 'the list of a city is walked by cursor',
    async play({ ask, run }) {
      const city = `City of ${run}`;
      const ids = Array.from({ length: 7 }, (_, n) => `${run}-walk-${n}`);
      for (const id of ids) await ask(put(id, { ...ada, city }));
      const found: string[] = [];
      const pages: number[] = [];
      let cursor: string | null | undefined;
      do {
        const { value }: Answer<{ users: User[]; cursor: string | null }> = await ask(
          list({ city, limit: 3, ...(cursor ? { cursor } : {}) }),
        );
        pages.push(value.users.length);
        found.push(...value.users.map(({ id }) => id));
        cursor = value.cursor;
      } while (cursor !== null);
      expect(found.sort()).toEqual(ids);
      expect(Math.max(...pages)).toBeLessThanOrEqual(3);
      await ask(patch(ids[0] as string, { city: 'Elsewhere' }));
      const { value } = await ask<{ users: User[] }>(list({ city }));
      expect(value.users.map(({ id }) => id).sort()).toEqual(ids.slice(1));
      expect(await ask(list({ limit: 0 }))).toMatchObject({ code: 'INVALID', status: 400, issues: ['limit'] });
      expect(await ask(list({ cursor: 'nonsense' }))).toMatchObject({ code: 'INVALID', status: 400 });
      for (const id of ids) await ask(remove(id));
    },
  },
];
