import { type DocumentPort, type DocumentWrite, encodeIndexKey, MAX_TOMBSTONES } from '@portolan/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sqliteDocument } from '../src/document.ts';
import { openPortKit } from './port-kit.ts';

let kit: ReturnType<typeof openPortKit>;
let port: DocumentPort;

beforeEach(() => {
  kit = openPortKit();
  port = sqliteDocument(kit.context(1));
});
afterEach(() => kit.engine.close());

const put = (id: string, parts: Partial<Extract<DocumentWrite, { op: 'put' }>> = {}): DocumentWrite => ({
  op: 'put',
  id,
  expect: 'any',
  body: '{}',
  entries: [
    { index: 'city', key: encodeIndexKey('São Paulo', 'city') },
    { index: 'email', key: encodeIndexKey(id, 'email'), unique: true },
  ],
  expiresAt: null,
  ...parts,
});
const remove = (id: string): DocumentWrite => ({ op: 'delete', id, expect: 'any' });
const tables = () => ['document', 'document_entry', 'document_tombstone'].map(kit.rows);

it('a body of any text comes back whole, NUL included', async () => {
  const bodies = ['a\0b', '\0', '', 'é🚢\0', '"plain"'];
  await port.commit(
    'c',
    bodies.map((body, at) => put(`d${at}`, { body })),
  );
  const ids = bodies.map((_, at) => `d${at}`);
  expect((await port.read('c', ids)).map((one) => one?.body)).toEqual(bodies);
  expect((await port.scan('c', { index: 'city', limit: 10 })).documents.map(({ body }) => body)).toEqual(bodies);
  expect((await port.changes('c', 0, 10)).changes.map(({ document }) => document?.body)).toEqual(bodies);
});

it('an id of any text comes back as it was, and its row is readable', async () => {
  const ids = ['plain-7', 'tab\tnul\0end', '!20', '~', ' ', '漢字🏫'];
  await port.commit(
    'c',
    ids.map((id) => put(id)),
  );
  expect((await port.scan('c', { index: null, limit: 10 })).documents.map(({ id }) => id).sort()).toEqual(ids.sort());
  for (const id of ids) await port.commit('c', [remove(id)]);
  expect((await port.changes('c', 0, 10)).changes.map(({ id }) => id)).toEqual(ids);
  expect(kit.engine.sql("SELECT 1 AS there FROM document_tombstone WHERE id = 'plain-7'").get()).toEqual({ there: 1 });
});

it('a read or a refused commit leaves no row at all', async () => {
  await port.read('never', ['a']);
  await port.scan('never', { index: 'city', limit: 5 });
  await port.changes('never', 0, 5);
  await port.commit('never', [{ ...put('a'), expect: 'present' }, put('b')]);
  await port.commit('never', [remove('a')]);
  expect([kit.rows('collection'), ...tables()]).toEqual([0, 0, 0, 0]);
});

it('a commit whose transaction is rolled back by another write happens once', async () => {
  const first = port.commit('c', [put('a')]);
  const fails = kit.engine.write(() => {
    throw new Error('mine');
  });
  const second = port.commit('c', [put('b')]);
  await expect(fails).rejects.toThrow();
  expect([await first, await second]).toMatchObject([{ written: [{ revision: 1 }] }, { written: [{ revision: 2 }] }]);
  expect(await port.collections()).toEqual([{ name: 'c', documents: 2, revision: 2 }]);
});

it('the sweep deletes what has expired in every collection and namespace, in small steps, and tells the feed', async () => {
  const other = sqliteDocument(kit.context(2));
  const expiresAt = kit.runtime.clock.now() + 1_000;
  for (const [one, name] of [
    [port, 'c'],
    [port, 'd'],
    [other, 'c'],
  ] as const) {
    await one.commit(
      name,
      Array.from({ length: 25 }, (_, n) => put(`d${n}`, { expiresAt })),
    );
    await one.commit(name, [put('stays')]);
  }
  await kit.runtime.advance(1_000);
  expect(await port.collections()).toMatchObject([{ documents: 1 }, { documents: 1 }]);
  expect(await kit.sweepAll(10)).toBeGreaterThan(7);
  expect(tables()).toEqual([3, 6, 75]);
  expect(await other.changes('c', 26, 100)).toMatchObject({ revision: 51, changes: { length: 25 } });
});

it('frees large bodies few at a time', async () => {
  const body = 'x'.repeat(1024 * 1024);
  const expiresAt = kit.runtime.clock.now() + 1_000;
  for (let n = 0; n < 12; n++) await port.commit('c', [put(`d${n}`, { body, expiresAt })]);
  await kit.runtime.advance(1_000);
  expect(await port.commit('c', [put('new')])).toMatchObject({ ok: true, written: [{ revision: 17 }] });
  expect(kit.rows('document')).toBe(9);
});

it('a page of large bodies ends before its limit, and the next one goes on', async () => {
  const body = 'x'.repeat(1024 * 1024);
  const ids = Array.from({ length: 10 }, (_, n) => `d${n}`);
  for (const id of ids) await port.commit('c', [put(id, { body })]);
  for (const scan of [{ index: null }, { index: 'city' }, { index: null, reverse: true }]) {
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const page = await port.scan('c', { ...scan, limit: 10, ...(after === undefined ? {} : { after }) });
      pages.push(page.documents.map(({ id }) => id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(pages.map(({ length }) => length)).toEqual([4, 4, 2]);
    expect(pages.flat()).toEqual('reverse' in scan ? ids.toReversed() : ids);
  }
  const first = await port.changes('c', 0, 10);
  expect([first.changes.length, first.revision]).toEqual([4, 4]);
});

it('remembers so many deletions and no more', async () => {
  for (let batch = 0; batch * 100 < MAX_TOMBSTONES + 300; batch++) {
    const ids = Array.from({ length: 100 }, (_, n) => `d${batch}-${n}`);
    await port.commit(
      'c',
      ids.map((id) => put(id, { entries: [] })),
    );
    await port.commit('c', ids.map(remove));
  }
  expect(tables()).toEqual([0, 0, MAX_TOMBSTONES]);
});

it('keeps revisions exact beyond 32 bits', async () => {
  await port.commit('c', [put('a')]);
  kit.engine.sql('UPDATE collection SET revision = ?').run(4_503_599_627_370_495);
  expect(await port.commit('c', [put('b')])).toMatchObject({ written: [{ revision: 4_503_599_627_370_496 }] });
  expect(await port.commit('c', [put('b', { expect: 4_503_599_627_370_496 })])).toMatchObject({ ok: true });
  expect(await port.changes('c', 4_503_599_627_370_496, 5)).toMatchObject({
    revision: 4_503_599_627_370_497,
    changes: [{ id: 'b' }],
  });
});

it('an index that becomes unique claims the keys of documents as they are written anew', async () => {
  const key = encodeIndexKey('x', 'name');
  const plain = [{ index: 'name', key }];
  const sole = [{ index: 'name', key, unique: true }];
  await port.commit('c', [put('a', { entries: plain }), put('b', { entries: plain })]);
  expect(await port.commit('c', [put('b', { entries: sole })])).toMatchObject({ ok: true });
  expect(await port.commit('c', [put('a', { entries: sole })])).toMatchObject({ reason: 'unique', holder: 'b' });
  // The same entry twice is one, unique if one of them is.
  await port.commit('c', [put('e', { entries: [...plain, ...sole].map((one) => ({ ...one, key: `${key}y` })) })]);
  expect(
    await port.commit('c', [put('f', { entries: sole.map((one) => ({ ...one, key: `${key}y` })) })]),
  ).toMatchObject({
    holder: 'e',
  });
});

it('every statement finds its rows through an index, and sorts nothing', async () => {
  await port.commit('c', [put('a', { expiresAt: kit.runtime.clock.now() + 10 }), put('b')]);
  await port.commit('c', [put('b', { entries: [] }), put('d')]);
  await port.commit('c', [remove('d')]);
  for (const reverse of [false, true])
    for (const index of [null, 'city']) await port.scan('c', { index, reverse, limit: 1 });
  await port.read('c', ['a']);
  await port.changes('c', 0, 1);
  await kit.runtime.advance(10);
  await port.changes('c', 0, 1);
  kit.engine.sql('UPDATE collection SET tombstones = ?').run(MAX_TOMBSTONES);
  await port.commit('c', [remove('b')]);
  await port.collections();
  const plans = kit.plans().filter(({ text }) => !text.startsWith('UPDATE collection SET tombstones'));
  expect(plans.length).toBeGreaterThan(20);
  const bad = plans.filter(({ plan }) => /SCAN (?!collection)|TEMP B-TREE/.test(plan));
  expect(bad).toEqual([]);
});
