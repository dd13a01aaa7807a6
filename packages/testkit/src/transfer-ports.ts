import { inspectBackend, MAX_TOMBSTONES, type QueueInspected, type QueuePort } from '@portolan/core';
import { expect } from 'vitest';
import { entry, put, remove, walk } from './document-fixtures.ts';
import { completed, queueClient } from './queue-client.ts';
import { dumpAll, dumpPart, fillEveryKind, nKey, transferOf } from './transfer-fixtures.ts';
import type { AddMove } from './transfer-move.ts';

/** What was moved works there, port by port. */
export function portCases(move: AddMove): void {
  move(
    'jobs run in their order, what was under way first, and a dedupe key still holds',
    async ({ kit, backend, to, copy }) => {
      await fillEveryKind(kit, backend);
      await copy();
      const client = queueClient(to.queue, 'new');
      const order = ['top', 'top-2', 'held-1', 'held-2', 'again', 'w1', 'w2', 'w3', 'low'];
      expect(await client.list('waiting')).toEqual(order);
      expect(await client.push({ id: 'x', dedupeKey: 'held' })).toEqual([{ id: 'held-1', created: false }]);
      expect(await client.push({ id: 'x', dedupeKey: 'k {2}:x' })).toEqual([{ id: 'w2', created: false }]);
      expect(await client.push({ id: 'x', dedupeKey: 'later' })).toEqual([{ id: 'later', created: false }]);
      expect(await client.claim(3)).toEqual(order.slice(0, 3));
      // What runs or ran there is not doubled by a second copy.
      await client.settle(completed('top'));
      await transferOf(to).load(await dumpPart(backend, 'queue'));
      expect(await client.claim(20)).toEqual(order.slice(3));
      expect(await client.job('held-1')).toMatchObject({ state: 'active', attempts: 1, progress: '0.5' });
      expect(await client.job('again')).toMatchObject({ attempts: 2, error: '"again"' });
      expect(await client.job('done')).toMatchObject({ state: 'completed', result: '{"ok":1.0}', attempts: 1 });
      const { logs } = await to.queue.inspect({ of: 'logs', queue: 'work', id: 'done' });
      expect(logs?.map(({ line }) => line)).toEqual(['at 1', 'a \u0000 ü\n']);
      expect(await client.job('stopped')).toMatchObject({ state: 'cancelled' });
      expect(await to.queue.amend('work', { do: 'promote', id: 'later' })).toBe('done');
      expect(await client.claim(20)).toEqual(['later']);
      const { queues } = await to.queue.inspect({ of: 'queues' });
      expect(queues.map(({ queue, paused }) => [queue, paused])).toEqual([
        ['flows', false],
        ['groups', false],
        ['other', true],
        ['timed', false],
        ['work', false],
      ]);
    },
  );

  move('schedules go on at their next tick, and a second copy sets none back', async ({ kit, backend, to, copy }) => {
    await fillEveryKind(kit, backend);
    await copy({ parts: ['queue'] });
    const told = async (port: QueuePort, queue: string) =>
      (await port.inspect({ of: 'schedules', queue, cursor: null, limit: 10 })).schedules?.list;
    for (const queue of ['work', 'timed'])
      expect(await told(to.queue, queue)).toEqual(await told(backend.queue, queue));
    expect((await told(to.queue, 'work'))?.map(({ id, nextAt, lastAt }) => [id, nextAt, lastAt])).toEqual([
      ['missed', 1_000, null],
      ['fired', 3_000, 2_000],
      ['far', 4_000_000_000_000, null],
    ]);
    const jobs = [{ id: 'missed@1000', body: '{}', priority: 0, delayMs: 0 }];
    const fire = { do: 'fire', id: 'missed', at: 1_000, nextAt: 9_000, lastAt: 1_000, jobs } as const;
    expect(await to.queue.amend('work', fire)).toBe('done');
    await transferOf(to).load(await dumpPart(backend, 'queue'));
    expect(await to.queue.amend('work', fire)).toBe('refused');
    expect((await told(to.queue, 'work'))?.map(({ id }) => id)).toEqual(['fired', 'missed', 'far']);
  });
  move(
    'a held job goes on to wait for what is missing, and what is owed is owed there',
    async ({ kit, backend, to, copy }) => {
      await fillEveryKind(kit, backend);
      await copy();
      const client = queueClient(to.queue, 'new', 'flows');
      const deliver = (id: string, part: string) =>
        to.queue.amend('flows', { do: 'deliver', id, part, turn: 8, text: '8' });
      const parts = (await to.queue.inspect({ of: 'parts', queue: 'flows', id: 'held', cursor: null, limit: 100 }))
        .parts;
      expect(parts).toHaveLength(39);
      const told = ({ owed = [] }: QueueInspected) =>
        owed.map(({ id, state, text, parent }) => `${id} ${state} ${text} ${parent}`);
      expect(told(await to.queue.inspect({ of: 'owed', queue: 'flows', limit: 9 })).sort()).toEqual([
        'both cancelled null {"of":1.0}',
        'one completed {"one":1.0} parent of one',
        'two failed "broken" parent of two',
      ]);
      // What runs when it is moved waits there, though it was to be cancelled: its parent would not hear of it.
      expect(await client.list('waiting')).toEqual(['stopping', 'three']);
      expect(await client.list('delayed')).toEqual(['held']);
      expect(await deliver('held', 'part 3')).toBe('done');
      expect(await client.job('held')).toMatchObject({ state: 'delayed', awaits: 1, parent: 'above {x}', dueAt: null });
      expect(await deliver('held', 'part 39')).toBe('done');
      expect(await client.job('held')).toMatchObject({ state: 'waiting', awaits: 0 });
      expect(await client.job('failed')).toMatchObject({ state: 'failed', error: '"b failed"', awaits: 2 });
      expect(await to.queue.amend('flows', { do: 'retry', id: 'failed' })).toBe('done');
      await deliver('failed', 'b');
      expect(await client.job('failed')).toMatchObject({ state: 'delayed', awaits: 1 });
      await deliver('failed', 'c');
      expect(await client.claim(9)).toEqual(['stopping', 'three', 'held', 'failed']);
    },
  );

  move('limits and groups come over, and hold there from the start', async ({ kit, backend, to, copy }) => {
    await fillEveryKind(kit, backend);
    await copy();
    const client = queueClient(to.queue, 'new', 'groups');
    const order = Array.from({ length: 6 }, (_, at) => `a {1}:x-${at + 1}`);
    expect(await client.list('waiting')).toEqual([...order, 'plain', 'low']);
    expect(await client.claim(9)).toEqual([order[0], 'plain']);
    expect((await client.exchange({ settled: [completed(order[0] ?? '')], claim: 9 })).jobs).toMatchObject([
      { id: order[1] },
    ]);
    expect(await client.job('low')).toMatchObject({ group: 'a {1}:x' });
    const { queues } = await to.queue.inspect({ of: 'queues' });
    expect(queues.find(({ queue }) => queue === 'groups')).toMatchObject({ limits: { concurrency: 50 } });
  });

  move('jobs that stay waiting are all told, though others are taken between two pages', async ({ backend }) => {
    const client = queueClient(backend.queue, 'worker');
    const ids = Array.from({ length: 12 }, (_, at) => `job-${at}`);
    await client.push(...ids.map((id, at) => ({ id, priority: at < 4 ? 1 : 0 })));
    const told = new Set<string>();
    let cursor: string | null = null;
    let pages = 0;
    do {
      const page = await transferOf(backend).dump('queue', cursor, 3);
      for (const record of page.records) if (record.of === 'job') told.add(record.id);
      cursor = page.cursor;
      if (++pages < 6) await client.claim(1);
      expect(pages).toBeLessThan(50);
    } while (cursor !== null);
    const waiting = await client.list('waiting');
    expect(waiting).toHaveLength(7);
    expect(waiting.filter((id) => !told.has(id))).toEqual([]);
  });

  move('a key that is loaded takes the place of one of the other kind', async ({ backend: { keyValue }, ...test }) => {
    const fields = { a: '1' };
    await keyValue.commit([], [{ op: 'set', key: 'value', value: '1', expiresAt: null }]);
    await keyValue.commit([], [{ op: 'setFields', key: 'fields', fields, expiresAt: null }]);
    await transferOf(test.to).load([
      { of: 'key', key: 'value', value: { fields }, expiresAt: null },
      { of: 'key', key: 'fields', value: { base64: '/wA=' }, expiresAt: null },
    ]);
    await test.copy({ parts: ['keyValue'] });
    expect(await test.to.keyValue.read(['value', 'fields'], { as: 'text' })).toEqual([{ value: '1' }, null]);
    expect(await test.to.keyValue.readFields('fields')).toEqual(fields);
  });

  move('a waiter is woken by jobs that are moved in', async ({ kit, backend, to, copy }) => {
    await fillEveryKind(kit, backend);
    const waited = to.queue.wait(['work'], AbortSignal.timeout(15_000));
    let woken = false;
    void waited.then(() => (woken = true));
    await copy({ parts: ['queue'] });
    await kit.eventually('the waiter wakes', () => woken);
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
