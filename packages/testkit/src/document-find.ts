import { type Collection, type DocumentQuery, defineCollection, type IndexValue, openCollection } from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import { failure, openPeople, person } from './document-fixtures.ts';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';

async function idsOf<T>(collection: Collection<T, never>, query: DocumentQuery): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof collection.find>> = await collection.find({ ...query, cursor });
    ids.push(...page.documents.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== null);
  return ids;
}

/** In the order they must come in. */
const ORDERED: readonly (IndexValue | readonly IndexValue[])[] = [
  null,
  [null, 'z'],
  false,
  true,
  -1e300,
  -2,
  -1.5,
  -5e-324,
  0,
  5e-324,
  1,
  1.5,
  2,
  10,
  9007199254740991,
  1e300,
  '',
  ['', 0],
  ' ',
  '!',
  '"',
  'A',
  'Z',
  'a',
  ['a', 'b'],
  'a b',
  'a!',
  'aa',
  '~',
  '\u007f',
  'é',
  '漢',
  '\ufffd',
  '🏫',
  '\u{10ffff}',
];

export function documentFindSuite(harness: Harness): void {
  suite(harness, 'document find', (add) => {
    add('keys come in one order across types and languages', async ({ backend, kit }) => {
      const definition = defineCollection({
        name: 'any',
        schema: z.object({ key: z.json() }),
        indexes: { key: { key: (value) => value.key as IndexValue } },
      });
      const collection = openCollection(definition, { port: backend.document, runtime: kit.runtime });
      const shuffled = ORDERED.map((key, at) => ({ id: `${at}`, value: { key: key as z.core.util.JSONType } }));
      shuffled.sort((a, b) => ((Number(a.id) * 17) % 31) - ((Number(b.id) * 17) % 31));
      await collection.seed(shuffled);
      const expected = ORDERED.map((_, at) => `${at}`);
      expect(await idsOf(collection, { index: 'key', limit: 4 })).toEqual(expected);
      expect(await idsOf(collection, { index: 'key', limit: 5, order: 'desc' })).toEqual(expected.toReversed());
      for (const [at, from] of ORDERED.entries())
        expect(await idsOf(collection, { index: 'key', from })).toEqual(expected.slice(at));
      for (const [at, to] of ORDERED.entries())
        expect(await idsOf(collection, { index: 'key', to })).toEqual(expected.slice(0, at));
    });

    add('equals is exact, and takes the first parts of a compound key', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      const cities = ['Rome', 'Rom', 'Rome ', 'Romea', 'rome', 'Rome!'];
      for (const [at, city] of cities.entries()) {
        await collection.put(`${at}a`, person(`${at}a`, { city, age: 40 - at }));
        await collection.put(`${at}b`, person(`${at}b`, { city, age: 20 }));
      }
      await collection.put('nowhere', person('nowhere'));
      const find = (query: DocumentQuery) => idsOf(collection, query);
      expect(await find({ index: 'city', equals: 'Rome' })).toEqual(['0a', '0b']);
      expect(await find({ index: 'city', equals: 'Rome ', order: 'desc' })).toEqual(['2b', '2a']);
      expect(await find({ index: 'cityAge', equals: 'Rome' })).toEqual(['0b', '0a']);
      expect(await find({ index: 'cityAge', equals: ['Rome', 40] })).toEqual(['0a']);
      expect(await find({ index: 'cityAge', equals: 'Rome', from: 20, to: 40 })).toEqual(['0b']);
      expect(await find({ index: 'cityAge', equals: 'Rome', from: 21 })).toEqual(['0a']);
      expect(await find({ index: 'email', equals: '3a@example.com' })).toEqual(['3a']);
      expect(await find({ index: 'city', equals: 'Oslo' })).toEqual([]);
      expect((await find({ index: 'city' })).includes('nowhere')).toBe(false);
      expect(await find({ from: '1a', to: '2b' })).toEqual(['1a', '1b', '2a']);
      expect((await find({})).length).toBe(13);
    });

    add('a cursor walks on while others write', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      const writer = openPeople(kit, await kit.open());
      const documents = Array.from({ length: 60 }, (_, at) => {
        const id = `d${String(at).padStart(2, '0')}`;
        return { id, value: person(id, { city: at % 2 ? 'Rome' : 'Oslo', age: at }) };
      });
      await collection.seed(documents);
      const seen: string[] = [];
      let cursor: string | null = null;
      let round = 0;
      do {
        const page: Awaited<ReturnType<typeof collection.find>> = await collection.find({
          index: 'cityAge',
          limit: 7,
          cursor,
        });
        seen.push(...page.documents.map(({ id }) => id));
        cursor = page.cursor;
        // Documents 50 and up are never touched; the ones before are deleted, moved and made anew.
        await writer.delete(`d${String(round).padStart(2, '0')}`);
        await writer.patch(`d${String(20 + round).padStart(2, '0')}`, { city: round % 2 ? 'Rome' : 'Lima' });
        await writer.insert(person(`new${round}`, { city: 'Rome', age: round / 100 }));
        round++;
      } while (cursor !== null);
      const untouched = documents.slice(50).map(({ id }) => id);
      expect(seen.filter((id) => untouched.includes(id)).sort()).toEqual(untouched);
    });

    add('the cursor is null at the end, and only there', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      await collection.seed(['a', 'b', 'c', 'd'].map((id) => ({ id, value: person(id) })));
      const first = await collection.find({ limit: 2 });
      expect(first.cursor).not.toBeNull();
      const second = await collection.find({ limit: 2, cursor: first.cursor });
      expect([second.documents.map(({ id }) => id), second.cursor]).toEqual([['c', 'd'], null]);
      expect((await collection.find({ limit: 4 })).cursor).toBeNull();
    });

    add('a query that cannot be meant is INVALID', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      await collection.seed(['a', 'b', 'c'].map((id) => ({ id, value: person(id, { city: 'Rome' }) })));
      const { cursor } = await collection.find({ index: 'city', equals: 'Rome', limit: 1 });
      expect(cursor).toMatch(/^[\w-]+$/);
      const forged = Buffer.from(String(cursor), 'base64url').toString().replace('sRome', 'sOslo');
      const queries: DocumentQuery[] = [
        { index: 'unknown' },
        { index: 'toString' },
        { equals: 'Rome' },
        { from: 7 },
        { index: 'city', equals: [] },
        { index: 'city', equals: Number.NaN },
        { limit: 0 },
        { limit: 1_001 },
        { limit: 1.5 },
        { cursor: 'rubbish' },
        { cursor: '' },
        { cursor: Buffer.from('["a"]').toString('base64url') },
        { index: 'city', equals: 'Oslo', cursor },
        { index: 'city', equals: 'Rome', order: 'desc', cursor },
        { cursor },
        { index: 'city', equals: 'Rome', cursor: Buffer.from(forged).toString('base64url') },
      ];
      for (const query of queries)
        expect(await failure(collection.find(query)), JSON.stringify(query)).toMatchObject({ code: 'INVALID' });
      for (const [after, limit] of [
        [-1, 1],
        [0.5, 1],
        [0, 0],
        [0, 1_001],
      ] as const)
        expect(await failure(collection.changes(after, { limit }))).toMatchObject({ code: 'INVALID' });
    });
  });
}
