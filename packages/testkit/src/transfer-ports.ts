import { inspectBackend, MAX_TOMBSTONES } from '@portolan/core';
import { expect } from 'vitest';
import { entry, put, remove, walk } from './document-fixtures.ts';
import { dumpAll, dumpPart, fillEveryKind, nKey, transferOf } from './transfer-fixtures.ts';
import type { AddMove } from './transfer-move.ts';

/** What was moved works there, port by port; jobs are transfer-queue.ts. */
export function portCases(move: AddMove): void {
  move('a key that is loaded takes the place of one of the other kind', async ({ backend: { keyValue }, ...test }) => {
    const fields = { a: '1' };
    await keyValue.commit([], [{ op: 'set', key: 'value', value: '1', expiresAt: null }]);
    await keyValue.commit([], [{ op: 'setFields', key: 'fields', fields, expiresAt: null }]);
    await transferOf(test.to).load([
      { of: 'key', key: 'value', value: { fields }, expiresAt: null },
      { of: 'key', key: 'fields', value: { base64: '/wA=' }, expiresAt: null },
    ]);
    await test.copy({ parts: ['keyValue'], intoExisting: true });
    expect(await test.to.keyValue.read(['value', 'fields'], { as: 'text' })).toEqual([{ value: '1' }, null]);
    expect(await test.to.keyValue.readFields('fields')).toEqual(fields);
  });

  move(
    'a subscriber goes on at its old cursor without a gap, and the counting goes on',
    async ({ kit, backend, to, copy }) => {
      await fillEveryKind(kit, backend);
      const [all] = await backend.broadcast.read([{ topic: 'news', after: 'start' }], 100);
      const cursor = all?.messages[10]?.cursor ?? '';
      const [before] = await backend.broadcast.read([{ topic: 'news', after: cursor }], 100);
      await copy();
      const [after] = await to.broadcast.read([{ topic: 'news', after: cursor }], 100);
      expect(after).toMatchObject({ messages: before?.messages, gap: false, cursor: before?.cursor });
      expect(after?.messages).toHaveLength(19);
      const { cursors } = await to.broadcast.append('news', [{ data: '1' }], {
        count: 30,
        ms: 60_000,
        resumeMs: 60_000,
      });
      expect(Number(cursors[0]?.split('-')[1])).toBe(51);
      const [next] = await to.broadcast.read([{ topic: 'news', after: after?.cursor ?? '' }], 100);
      expect(next).toMatchObject({ messages: [{ data: '1' }], gap: false });
      // Of another incarnation: gone with its messages.
      await to.broadcast.append('strange', [{ data: '1' }, { data: '2' }], {
        count: 9,
        ms: 60_000,
        resumeMs: 60_000,
      });
      const [topic] = (await dumpPart(to, 'broadcast')).filter((one) => one.of === 'topic' && one.topic === 'strange');
      if (topic?.of !== 'topic') throw new Error('no such topic');
      await transferOf(to).load([{ ...topic, incarnation: topic.incarnation + 1, sequence: 7 }]);
      const [strange] = await to.broadcast.read([{ topic: 'strange', after: 'start' }], 9);
      expect(strange).toMatchObject({ messages: [], cursor: `${topic.incarnation + 1}-7` });
    },
  );

  move('documents keep revisions, indexes, unique keys and feed', async ({ kit, backend, to, copy }) => {
    await fillEveryKind(kit, backend);
    await copy();
    const { document } = to;
    for (const index of [null, 'n', 'half']) {
      expect(await walk(document, 'numbers', { index })).toEqual(await walk(backend.document, 'numbers', { index }));
    }
    expect(await document.changes('numbers', 55, 100)).toEqual(await backend.document.changes('numbers', 55, 100));
    expect(await document.changes('emptied', 0, 9)).toMatchObject({
      changes: [{ id: 'gone', document: null }],
      revision: 2,
    });
    const claim = put('new', { entries: [{ index: 'n', key: nKey(7), unique: true }] });
    expect(await document.commit('numbers', [claim])).toMatchObject({ ok: false, reason: 'unique', holder: 'id 7' });
    expect(await document.commit('numbers', [put('new', { entries: [entry('n', 3, true)] })])).toMatchObject({
      ok: true,
      written: [{ revision: 64 }],
    });
    expect(await document.collections()).toMatchObject([
      { name: 'emptied', documents: 0, revision: 2 },
      { name: 'numbers', documents: 59, revision: 64 },
      { name: 'words', documents: 2, revision: 2 },
    ]);
    // Loaded over what is there: its old entries go, the deletion wins over the earlier version, counters never go back.
    const [old] = (await dumpPart(backend, 'document')).filter((one) => one.of === 'document' && one.id === 'id 7');
    if (old?.of !== 'document') throw new Error('no such document');
    await transferOf(to).load([
      { ...old, entries: [entry('n', 700, true)] },
      { of: 'tombstone', collection: 'numbers', id: 'id 8', revision: 60 },
    ]);
    expect(await walk(document, 'numbers', { index: 'n', from: nKey(7), to: nKey(9) })).toEqual([]);
    expect(await walk(document, 'numbers', { index: 'n', from: nKey(700) })).toEqual(['id 7']);
    expect((await document.changes('numbers', 64, 9)).revision).toBe(64);
  });

  move('deletions beyond what a feed remembers are a gap there as well', async ({ backend, to }) => {
    const tombstones = Array.from({ length: MAX_TOMBSTONES + 5 }, (_, at) => at + 1);
    for (let first = 0; first < tombstones.length; first += 1_000) {
      const some = tombstones.slice(first, first + 1_000);
      await transferOf(backend).load(
        some.map((revision) => ({ of: 'tombstone', collection: 'gone', id: `id ${revision}`, revision })),
      );
    }
    expect(await backend.document.changes('gone', 4, 1)).toMatchObject({ gap: true });
    expect(await backend.document.changes('gone', 5, 1)).toMatchObject({ gap: false, changes: [{ revision: 6 }] });
    // A floor that came over never goes back for the sake of older deletions.
    await to.document.commit('gone', [put('own')]);
    await to.document.commit('gone', [remove('own')]);
    const records = await dumpPart(backend, 'document');
    for (let first = 0; first < records.length; first += 1_000)
      await transferOf(to).load(records.slice(first, first + 1_000));
    expect(await to.document.changes('gone', 4, 1)).toMatchObject({ gap: true });
    expect(await to.document.collections()).toMatchObject([
      { name: 'gone', documents: 0, revision: MAX_TOMBSTONES + 5 },
    ]);
  });

  move('what is about to end ends over there as well, and stays out of digests', async ({ kit, backend, to, copy }) => {
    const soon = kit.runtime.clock.now() + 5_000;
    await backend.keyValue.commit([], [{ op: 'set', key: 'soon', value: '1', expiresAt: soon }]);
    await backend.keyValue.commit([], [{ op: 'setFields', key: 'fields', fields: { a: '1' }, expiresAt: soon }]);
    await backend.counter.write('soon', 1, 5_000);
    await backend.document.commit('numbers', [put('soon', { expiresAt: soon }), put('stays')]);
    await copy();
    expect(await to.keyValue.read(['soon'], { as: 'text' })).toEqual([{ value: '1' }]);
    const [keys] = await inspectBackend(backend, { runtime: kit.runtime, parts: ['keyValue'] });
    expect(keys).toMatchObject({
      records: 2,
      expiring: { records: 2, first: soon, last: soon },
      digest: { records: 0 },
    });
    await kit.pass(5_050);
    expect(await to.keyValue.read(['soon'], { as: 'text' })).toEqual([null]);
    expect(await to.keyValue.readFields('fields')).toBeNull();
    expect(await to.counter.read(['soon'])).toEqual([null]);
    expect(await to.document.read('numbers', ['soon', 'stays'])).toMatchObject([null, { id: 'stays' }]);
    const held = (await Promise.all([backend, to].map((one) => dumpAll(one)))).flat();
    expect(held.filter((record) => record.includes('soon') && !record.includes('tombstone'))).toEqual([]);
    const stale = { of: 'key', key: 'stale', value: { text: '1' }, expiresAt: soon } as const;
    await transferOf(to).load([stale, { ...stale, key: 'stale-2', value: { fields: { a: '1' } } }]);
    expect(await dumpPart(to, 'keyValue')).toEqual([]);
  });
}
