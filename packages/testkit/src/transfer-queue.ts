import type { QueueInspected, QueuePort } from '@portolan/core';
import { expect } from 'vitest';
import { completed, queueClient } from './queue-client.ts';
import { dumpPart, fillEveryKind, transferOf } from './transfer-fixtures.ts';
import type { AddMove } from './transfer-move.ts';

/** Jobs that were moved work there. */
export function queueCases(move: AddMove): void {
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

  move('a waiter is woken by jobs that are moved in', async ({ kit, backend, to, copy }) => {
    await fillEveryKind(kit, backend);
    const waited = to.queue.wait(['work'], AbortSignal.timeout(15_000));
    let woken = false;
    void waited.then(() => (woken = true));
    await copy({ parts: ['queue'] });
    await kit.eventually('the waiter wakes', () => woken);
  });
}
