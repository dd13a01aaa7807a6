import { encodeIndexKey, indexMember } from '@portolan/core';
import { expect } from 'vitest';
import { committed, entry, put, remove, walk } from './document-fixtures.ts';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';

/** JSON that any decoder would give back changed. */
const BODIES = [
  '[]',
  '{}',
  '{"list":[],"map":{}}',
  '12345678901234567',
  '[9007199254740993,1e21,1E400,-0,0.1,1.0]',
  '{"path":"a/b\\/c"}',
  '"🏫 \\ud83c\\udfeb é 漢"',
  '"nul \\u0000 inside"',
  '{"z":1,"a":2,"z":3}',
  '{ "spaced" :  [ 1 ,\n2 ] }',
  'null',
  '"\\ud800"',
  `"${'x'.repeat(100_000)}"`,
];

export function documentPortSuite(harness: Harness): void {
  suite(harness, 'document port', (add) => {
    add('a body comes back byte for byte, from a read, a walk and the feed', async ({ backend, kit }) => {
      const port = backend.document;
      const ids = BODIES.map((_, at) => `d${String(at).padStart(2, '0')}`);
      await committed(
        port.commit(
          'c',
          ids.map((id, at) => put(id, { body: BODIES[at] ?? '' })),
        ),
      );
      const other = (await kit.open()).document;
      expect((await other.read('c', ids)).map((one) => one?.body)).toEqual(BODIES);
      const page = await other.scan('c', { index: null, limit: 100 });
      expect(page.documents.map((one) => one.body)).toEqual(BODIES);
      expect((await other.changes('c', 0, 100)).changes.map((one) => one.document?.body)).toEqual(BODIES);
    });

    add('a read answers in the order of the ids, null for what is absent', async ({ backend }) => {
      const port = backend.document;
      await committed(port.commit('c', [put('a'), put('b')]));
      const found = await port.read('c', ['b', 'none', 'a', 'b']);
      expect(found.map((one) => one?.id)).toEqual(['b', undefined, 'a', 'b']);
      expect(found[1]).toBeNull();
      expect(await port.read('c', [])).toEqual([]);
      expect(await port.read('never', ['a'])).toEqual([null]);
    });

    add('ids of any text are told apart', async ({ backend }) => {
      const port = backend.document;
      const ids = [
        'a',
        'A',
        'a b',
        'a!20b',
        '~7e',
        '~',
        '!',
        '{x}',
        'a:b',
        '\u00e9',
        'e\u0301',
        '漢字',
        '🏫',
        '%7B',
        '*',
        '\\',
        '"',
      ];
      await committed(
        port.commit(
          'c',
          ids.map((id) => put(id, { entries: [entry('all', true)] })),
        ),
      );
      expect((await port.read('c', ids)).map((one) => one?.id)).toEqual(ids);
      const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await walk(port, 'c', { index: null })).toEqual(sorted);
      expect(await walk(port, 'c', { index: 'all', limit: 2 })).toEqual(sorted);
      expect(await walk(port, 'c', { index: 'all', limit: 3, reverse: true })).toEqual(sorted.toReversed());
    });

    add('revisions grow with every write; times are kept', async ({ backend, kit }) => {
      const port = backend.document;
      const first = await port.commit('c', [put('a'), put('b')]);
      expect(first).toMatchObject({ ok: true, written: [{ revision: 1 }, { revision: 2 }] });
      await kit.pass(50);
      const second = await port.commit('c', [put('a', { body: '2' })]);
      if (!first.ok || !second.ok) throw new Error('refused');
      expect(second.written).toEqual([{ revision: 3, createdAt: first.at }]);
      expect(second.at).toBeGreaterThan(first.at);
      expect(await port.read('c', ['a'])).toEqual([
        { id: 'a', revision: 3, body: '2', createdAt: first.at, updatedAt: second.at, expiresAt: null },
      ]);
      await committed(port.commit('c', [remove('a')]));
      const third = await port.commit('c', [put('a')]);
      expect(third).toMatchObject({ ok: true, written: [{ revision: 5, createdAt: third.ok ? third.at : 0 }] });
      expect(await committed(port.commit('other', [put('a')]))).toEqual([1]);
    });

    add('expectations: absent, present, a revision', async ({ backend }) => {
      const port = backend.document;
      const refused = { ok: false, failed: 0 };
      expect(await port.commit('c', [put('a', { expect: 'present' })])).toEqual({ ...refused, reason: 'missing' });
      expect(await port.commit('c', [put('a', { expect: 1 })])).toEqual({ ...refused, reason: 'missing' });
      expect(await committed(port.commit('c', [put('a', { expect: 'absent' })]))).toEqual([1]);
      expect(await port.commit('c', [put('a', { expect: 'absent' })])).toEqual({
        ...refused,
        reason: 'exists',
        revision: 1,
      });
      expect(await committed(port.commit('c', [put('a', { expect: 'present' })]))).toEqual([2]);
      expect(await port.commit('c', [put('a', { expect: 1 })])).toEqual({
        ...refused,
        reason: 'revision',
        revision: 2,
      });
      expect(await committed(port.commit('c', [put('a', { expect: 2 })]))).toEqual([3]);
      expect(await port.commit('c', [remove('a', 2)])).toEqual({ ...refused, reason: 'revision', revision: 3 });
      expect(await port.commit('c', [remove('a', 'absent')])).toEqual({ ...refused, reason: 'exists', revision: 3 });
      expect(await committed(port.commit('c', [remove('a', 3)]))).toEqual([4]);
    });

    add('a delete of what is missing changes nothing', async ({ backend }) => {
      const port = backend.document;
      expect(await committed(port.commit('c', [remove('a')]))).toEqual([0]);
      expect(await port.commit('c', [remove('a', 'present')])).toEqual({ ok: false, failed: 0, reason: 'missing' });
      expect(await committed(port.commit('c', [put('b'), remove('a'), put('d')]))).toEqual([1, 0, 2]);
      expect((await port.changes('c', 0, 10)).changes.map(({ id }) => id)).toEqual(['b', 'd']);
    });

    add('a batch is all or nothing, and names the first write that could not be', async ({ backend }) => {
      const port = backend.document;
      const held = put('held', { entries: [entry('email', 'x@y', true)] });
      await committed(port.commit('c', [held]));
      const good = put('new', { entries: [entry('city', 'Rome')] });
      const batches = [
        { writes: [good, put('held', { expect: 'absent' }), put('none', { expect: 9 })], reason: 'exists', failed: 1 },
        { writes: [good, remove('held'), put('none', { expect: 9 })], reason: 'missing', failed: 2 },
        { writes: [good, put('thief', { entries: [entry('email', 'x@y', true)] })], reason: 'unique', failed: 1 },
        { writes: [good, remove('held', 99)], reason: 'revision', failed: 1 },
      ];
      for (const { writes, reason, failed } of batches) {
        expect(await port.commit('c', writes)).toMatchObject({ ok: false, reason, failed });
        expect(await walk(port, 'c', { index: null })).toEqual(['held']);
        expect(await walk(port, 'c', { index: 'city' })).toEqual([]);
        expect(await walk(port, 'c', { index: 'email' })).toEqual(['held']);
        expect(await port.changes('c', 0, 10)).toMatchObject({ revision: 1, changes: [{ id: 'held', revision: 1 }] });
      }
    });

    add('a unique key has one holder, until it lets go', async ({ backend }) => {
      const port = backend.document;
      const claim = (id: string, ...emails: string[]) =>
        put(id, { entries: emails.map((email) => entry('email', email, true)) });
      await committed(port.commit('c', [claim('1', 'a'), claim('2', 'b')]));
      const refused = { ok: false, failed: 0, reason: 'unique', index: 'email' };
      expect(await port.commit('c', [claim('3', 'b')])).toEqual({ ...refused, holder: '2' });
      expect(await port.commit('c', [claim('1', 'b')])).toEqual({ ...refused, holder: '2' });
      await committed(port.commit('c', [claim('1', 'a')]));
      // Two documents exchange their keys within one batch.
      await committed(port.commit('c', [claim('1', 'b'), claim('2', 'a')]));
      expect(await walk(port, 'c', { index: 'email' })).toEqual(['2', '1']);
      expect(await port.commit('c', [claim('3', 'z'), claim('4', 'z')])).toEqual({
        ...refused,
        failed: 1,
        holder: '3',
      });
      // One takes what another of the batch deletes, in either order.
      await committed(port.commit('c', [claim('5', 'a'), remove('2')]));
      expect(await port.commit('c', [claim('7', 'a')])).toEqual({ ...refused, holder: '5' });
      await committed(port.commit('c', [remove('5'), claim('6', 'a')]));
      expect(await port.commit('c', [claim('7', 'a')])).toEqual({ ...refused, holder: '6' });
      await committed(port.commit('c', [put('6')]));
      await committed(port.commit('c', [claim('7', 'a', 'c')]));
      expect(await port.commit('c', [claim('8', 'c')])).toEqual({ ...refused, holder: '7' });
    });

    add('index entries follow the document', async ({ backend }) => {
      const port = backend.document;
      const inCity = (id: string, ...cities: string[]) =>
        put(id, { entries: cities.map((city) => entry('city', city)) });
      await committed(port.commit('c', [inCity('1', 'Rome'), inCity('2', 'Oslo', 'Rome'), inCity('3')]));
      const at = (city: string) =>
        walk(port, 'c', { index: 'city', from: encodeIndexKey(city, ''), to: `${encodeIndexKey(city, '')}!` });
      expect([await at('Rome'), await at('Oslo')]).toEqual([['1', '2'], ['2']]);
      await committed(port.commit('c', [inCity('1', 'Oslo'), inCity('2', 'Rome'), inCity('3', 'Rome')]));
      expect([await at('Rome'), await at('Oslo')]).toEqual([['2', '3'], ['1']]);
      await committed(port.commit('c', [remove('2'), put('3')]));
      expect([await at('Rome'), await at('Oslo')]).toEqual([[], ['1']]);
      expect(await walk(port, 'c', { index: 'unknown' })).toEqual([]);
    });

    add('a walk keeps to its bounds and tells its end exactly', async ({ backend }) => {
      const port = backend.document;
      const ids = ['a', 'b', 'c', 'd', 'e'];
      await committed(
        port.commit(
          'c',
          ids.map((id) => put(id)),
        ),
      );
      const scan = { index: null, from: 'b', to: 'e' };
      const first = await port.scan('c', { ...scan, limit: 2 });
      expect(first).toMatchObject({ documents: [{ id: 'b' }, { id: 'c' }], next: indexMember(null, 'c') });
      const rest = await port.scan('c', { ...scan, limit: 1, after: first.next ?? '' });
      expect(rest).toMatchObject({ documents: [{ id: 'd' }], next: null });
      const back = await port.scan('c', { ...scan, reverse: true, limit: 2 });
      expect(back).toMatchObject({ documents: [{ id: 'd' }, { id: 'c' }], next: indexMember(null, 'c') });
      expect(await port.scan('c', { ...scan, reverse: true, limit: 2, after: back.next ?? '' })).toMatchObject({
        documents: [{ id: 'b' }],
        next: null,
      });
      expect(await port.scan('c', { index: null, from: 'f', limit: 5 })).toEqual({ documents: [], next: null });
    });

    add('collections that hold something are listed', async ({ backend, kit }) => {
      const port = backend.document;
      expect(await port.collections()).toEqual([]);
      await committed(port.commit('users', [put('1'), put('2')]));
      await committed(port.commit('pages', [put('1')]));
      await committed(port.commit('users', [remove('1')]));
      await port.commit('refused', [put('1', { expect: 'present' })]);
      expect(await (await kit.open()).document.collections()).toEqual([
        { name: 'pages', documents: 1, revision: 1 },
        { name: 'users', documents: 1, revision: 3 },
      ]);
    });
  });
}
