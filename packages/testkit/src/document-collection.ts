import { defineCollection, openCollection } from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import { failure, openPeople, person } from './document-fixtures.ts';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';

export function documentCollectionSuite(harness: Harness): void {
  suite(harness, 'document collection', (add) => {
    add('insert, get, put, delete', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      const inserted = await collection.insert(person('ann', { city: 'Rome' }), { id: '1' });
      expect(inserted).toMatchObject({ id: '1', revision: 1, expiresAt: null, value: { name: 'ann', tags: [] } });
      const elsewhere = openPeople(kit, await kit.open());
      expect(await elsewhere.get('1')).toEqual(inserted);
      await kit.pass(50);
      const put = await elsewhere.put('1', person('ann', { age: 31 }));
      expect(put).toMatchObject({ revision: 2, createdAt: inserted.createdAt, value: { age: 31 } });
      expect(put.updatedAt).toBeGreaterThan(inserted.updatedAt);
      expect(await collection.getMany(['2', '1'])).toEqual([undefined, put]);
      expect(await collection.delete('1')).toBe(true);
      expect(await collection.delete('1')).toBe(false);
      expect(await collection.delete('1', { revision: 2 })).toBe(false);
      expect(await collection.get('1')).toBeUndefined();
    });

    add('an insert without an id draws ids that sort by creation', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      const first = await collection.insert(person('ann'));
      await kit.pass(50);
      const second = await collection.insert(person('bob'));
      expect(second.id > first.id).toBe(true);
      expect((await collection.find()).documents).toEqual([first, second]);
    });

    add('conflicts name what was wrong', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      await collection.insert(person('ann'), { id: '1' });
      await collection.put('1', person('ann', { age: 31 }));
      const exists = await failure(collection.insert(person('eve'), { id: '1' }));
      expect([exists.code, exists.message]).toEqual(['CONFLICT', 'people 1: exists already, with revision 2']);
      const stale = await failure(collection.put('1', person('ann'), { revision: 1 }));
      expect([stale.code, stale.message]).toEqual(['CONFLICT', 'people 1: the revision is stale; stored is 2']);
      const staleDelete = await failure(collection.delete('1', { revision: 1 }));
      expect([staleDelete.code, staleDelete.message]).toEqual([stale.code, stale.message]);
      const unique = await failure(collection.put('2', person('eve', { email: 'ann@example.com' })));
      expect([unique.code, unique.message]).toEqual([
        'CONFLICT',
        'people 2: unique index email: document 1 holds this key',
      ]);
      expect(await failure(collection.put('3', person('eve'), { if: 'present' }))).toMatchObject({ code: 'NOT_FOUND' });
      expect(await failure(collection.put('3', person('eve'), { revision: 1 }))).toMatchObject({ code: 'NOT_FOUND' });
      expect(await failure(collection.put('1', person('eve'), { if: 'absent' }))).toMatchObject({ code: 'CONFLICT' });
      expect(await collection.put('1', person('ann'), { revision: 2 })).toMatchObject({ revision: 3 });
    });

    add('values are validated on the way in and on the way out', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      const wrong = { ...person('ann'), age: 'old' } as unknown as ReturnType<typeof person>;
      const refused = await failure(collection.insert(wrong, { id: '1' }));
      expect(refused).toMatchObject({ code: 'INVALID', issues: [{ path: ['age'] }] });
      expect(await collection.get('1')).toBeUndefined();
      const body = '{"name":"ann","email":"a@b","age":"old"}';
      await backend.document.commit('people', [
        { op: 'put', id: '1', expect: 'any', body, entries: [], expiresAt: null },
      ]);
      expect(await failure(collection.get('1'))).toMatchObject({ code: 'INVALID', issues: [{ path: ['age'] }] });
      for (const id of ['', 'a\u0000b', 'x'.repeat(513), '\ud800'])
        expect(await failure(collection.put(id, person('ann')))).toMatchObject({ code: 'INVALID' });
      expect(await failure(collection.put('1', person('ann'), { ttlMs: 0 }))).toMatchObject({ code: 'INVALID' });
      const nan = await failure(collection.put('1', person('ann'), { revision: Number.NaN }));
      expect(nan).toMatchObject({ code: 'INVALID' });
    });

    add('what a schema makes of a value must be readable; defaults are stored', async ({ backend, kit }) => {
      const parts = { port: backend.document, runtime: kit.runtime };
      const dated = openCollection(defineCollection({ name: 'dated', schema: z.object({ at: z.date() }) }), parts);
      const refused = await failure(dated.put('1', { at: new Date() }));
      expect(refused).toMatchObject({ code: 'INVALID', issues: [{ path: ['at'] }] });
      expect(await dated.get('1')).toBeUndefined();
      const coerced = defineCollection({
        name: 'coerced',
        schema: z.object({ n: z.coerce.number(), d: z.string().default('x') }),
      });
      const put = await openCollection(coerced, parts).put('1', { n: '7' });
      expect(put.value).toEqual({ n: 7, d: 'x' });
      expect((await backend.document.read('coerced', ['1']))[0]?.body).toBe('{"n":7,"d":"x"}');
    });

    add('a document beyond maxBytes is TOO_LARGE', async ({ backend, kit }) => {
      const definition = defineCollection({ name: 'notes', schema: z.string(), maxBytes: 10 });
      const notes = openCollection(definition, { port: backend.document, runtime: kit.runtime });
      expect(await notes.put('1', '12345678')).toMatchObject({ value: '12345678' });
      expect(await failure(notes.put('1', 'éééé1'))).toMatchObject({ code: 'TOO_LARGE' });
    });

    add('a patch merges, validates, and needs the document', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      const before = await collection.insert(person('ann', { city: 'Rome' }), { id: '1', ttlMs: 60_000 });
      const patched = await collection.patch('1', { age: 44, city: null, tags: ['x'] });
      expect(patched.value).toEqual({ name: 'ann', email: 'ann@example.com', age: 44, tags: ['x'] });
      expect(patched).toMatchObject({ revision: 2, expiresAt: before.expiresAt });
      expect((await collection.find({ index: 'city', equals: 'Rome' })).documents).toEqual([]);
      expect(await failure(collection.patch('1', { age: 'old' }))).toMatchObject({ code: 'INVALID' });
      expect(await failure(collection.patch('1', { unknown: 1 }))).toMatchObject({ code: 'INVALID' });
      expect(await failure(collection.patch('1', { age: 1 }, { revision: 1 }))).toMatchObject({ code: 'CONFLICT' });
      expect(await collection.patch('1', { age: 45 }, { revision: 2 })).toMatchObject({ revision: 3 });
      expect(await failure(collection.patch('none', {}))).toMatchObject({ code: 'NOT_FOUND' });
      expect(await failure(collection.update('none', (value) => value))).toMatchObject({ code: 'NOT_FOUND' });
      expect(await collection.get('1')).toMatchObject({ revision: 3, value: { age: 45 } });
    });

    add('several writes are all or nothing', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      await collection.insert(person('ann'), { id: '1' });
      const lost = await failure(
        collection.commit([
          { op: 'delete', id: '1' },
          { op: 'put', id: '2', value: person('bob') },
          { op: 'insert', id: '3', value: person('bob') },
        ]),
      );
      expect(lost).toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('people 3: unique index email'),
      });
      expect((await collection.find()).documents).toMatchObject([{ id: '1' }]);
      const done = await collection.commit([
        { op: 'delete', id: '1', revision: 1 },
        { op: 'insert', id: '2', value: person('ann') },
        { op: 'delete', id: 'none' },
      ]);
      expect(done).toMatchObject([
        { id: '1', revision: 2, document: null },
        { id: '2', revision: 3, document: { value: { name: 'ann' } } },
        { id: 'none', revision: 0, document: null },
      ]);
      expect(await collection.get('2')).toEqual(done[1]?.document);
      const twice = collection.commit([
        { op: 'delete', id: '2' },
        { op: 'put', id: '2', value: person('x') },
      ]);
      expect(await failure(twice)).toMatchObject({ code: 'INVALID' });
      const many = Array.from({ length: 101 }, (_, at) => ({ op: 'delete' as const, id: `d${at}` }));
      expect(await failure(collection.commit(many))).toMatchObject({ code: 'INVALID' });
      expect(await collection.commit([])).toEqual([]);
    });

    add('documents live as long as they were told, the collection speaking last', async ({ backend, kit }) => {
      const definition = defineCollection({ name: 'sessions', schema: z.string(), ttlMs: 150 });
      const sessions = openCollection(definition, { port: backend.document, runtime: kit.runtime });
      await sessions.put('short', 'a');
      await sessions.put('long', 'b', { ttlMs: 86_400_000 });
      await kit.pass(200);
      expect(await sessions.getMany(['short', 'long'])).toMatchObject([undefined, { value: 'b' }]);
      expect(await sessions.insert('c', { id: 'short' })).toMatchObject({ value: 'c' });
    });

    add('a seed creates what is missing and never overwrites', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      await collection.insert(person('changed'), { id: 'd5' });
      const documents = Array.from({ length: 230 }, (_, at) => ({ id: `d${at}`, value: person(`name${at}`) }));
      expect(await collection.seed(documents)).toBe(229);
      expect(await collection.seed(documents)).toBe(0);
      expect((await collection.get('d5'))?.value.name).toBe('changed');
      expect(await collection.seed([])).toBe(0);
    });
  });
}
