import type { QueueLimits } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, limit, queueClient, released, retry, several } from './queue-client.ts';
import { manyCases } from './queue-groups-many.ts';
import { type AddCase, suite } from './suite.ts';

const ONE: QueueLimits = { group: { concurrency: 1 } };

/** Jobs that step aside for their group, and come back. */
export function queueGroupSuite(harness: Harness): void {
  suite(harness, 'queue groups', (add) => {
    orderCases(add);
    changeCases(add);
    manyCases(add);
  });
}

function orderCases(add: AddCase): void {
  add('only those are overtaken whose group is full, and a group keeps its order', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, ONE);
    await client.push(...several(3, { group: 'a' }), { id: 'free' }, ...several(2, { group: 'b' }), { id: 'last' });
    expect(await client.claim(3)).toEqual(['a-1', 'free', 'b-1']);
    // Those aside come last in the list.
    expect(await client.list('waiting')).toEqual(['b-2', 'last', 'a-2', 'a-3']);
    expect(await client.counts()).toMatchObject({ waiting: 4, active: 3 });
    const next = await client.exchange({ settled: [completed('a-1')], claim: 9 });
    expect(next.jobs.map((one) => one.id)).toEqual(['a-2', 'last']);
    expect(await client.list('waiting')).toEqual(['a-3', 'b-2']);
    const both = await client.exchange({ settled: [completed('b-1'), completed('a-2')], claim: 9 });
    expect(both.jobs.map((one) => one.id)).toEqual(['a-3', 'b-2']);
    expect(await client.counts()).toMatchObject({ waiting: 0 });
  });

  add('priority counts among those aside, and against the line', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, ONE);
    await client.push({ id: 'first', group: 'a' });
    expect(await client.claim(1)).toEqual(['first']);
    await client.push(
      { id: 'low', group: 'a', priority: -1 },
      { id: 'mid', group: 'a' },
      { id: 'top', group: 'a', priority: 2 },
    );
    expect(await client.claim(9)).toEqual([]);
    expect(await client.list('waiting')).toEqual(['top', 'mid', 'low']);
    await client.push({ id: 'x3', priority: 3 }, { id: 'x2', priority: 2 }, { id: 'x0' }, { id: 'x-1', priority: -1 });
    const { jobs } = await client.exchange({ settled: [completed('first')], claim: 2 });
    expect(jobs.map((one) => one.id)).toEqual(['x3', 'top']);
    await client.settle(completed('top'));
    expect(await client.claim(2)).toEqual(['x2', 'mid']);
    await client.settle(completed('mid'));
    expect(await client.claim(9)).toEqual(['x0', 'low', 'x-1']);
  });

  add('a job handed back is the first of its group again, one to run again the last', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, ONE);
    await client.push(...several(4, { group: 'g' }));
    expect(await client.claim(9)).toEqual(['g-1']);
    const handed = await client.exchange({ settled: [released('g-1')], claim: 9 });
    expect(handed.jobs).toMatchObject([{ id: 'g-1', attempt: 1 }]);
    const again = await client.exchange({ settled: [retry('g-1')], claim: 9 });
    expect(again.jobs).toMatchObject([{ id: 'g-2' }]);
    expect(await client.list('waiting')).toEqual(['g-3', 'g-4', 'g-1']);
  });

  add('a group starts no more in a window than it may, and its end is waited for', async ({ kit, backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, { group: { rate: { count: 2, ms: 300 } } });
    await client.push(...several(5, { group: 'a' }), ...several(1, { group: 'b' }));
    const first = await client.exchange({ claim: 9 });
    expect(first.jobs.map((one) => one.id)).toEqual(['a-1', 'a-2', 'b-1']);
    expect(first.dueInMs).toBeGreaterThan(0);
    expect(first.dueInMs).toBeLessThanOrEqual(300);
    const settled = ['a-1', 'a-2', 'b-1'].map((id) => completed(id));
    expect((await client.exchange({ settled, claim: 9 })).jobs).toEqual([]);
    await kit.pass(310);
    await client.push(...several(2, { group: 'b' }, 2));
    const second = await client.exchange({ claim: 9 });
    expect(second.jobs.map((one) => one.id)).toEqual(['a-3', 'a-4', 'b-2', 'b-3']);
    await kit.pass(310);
    expect(await client.exchange({ claim: 9 })).toMatchObject({ jobs: [{ id: 'a-5' }], dueInMs: null });
  });

  add('all limits hold together', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    const rate = { count: 2, ms: 3_600_000 };
    await limit(backend.queue, { concurrency: 3, rate: { count: 5, ms: 3_600_000 }, group: { concurrency: 2, rate } });
    await client.push(...several(4, { group: 'a' }), ...several(4, { group: 'b' }), ...several(4));
    expect(await client.claim(9)).toEqual(['a-1', 'a-2', 'b-1']);
    await client.settle(completed('a-1'), completed('b-1'));
    expect(await client.claim(9)).toEqual(['b-2', 'job-1']);
    await client.settle(completed('a-2'), completed('b-2'), completed('job-1'));
    expect(await client.claim(9)).toEqual([]);
  });
}

function changeCases(add: AddCase): void {
  add('a job aside can be cancelled, run again and removed', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    const amend = (change: 'cancel' | 'retry' | 'remove', id: string) =>
      backend.queue.amend('work', { do: change, id });
    await limit(backend.queue, ONE);
    await client.push(...several(5, { group: 'g' }));
    expect(await client.claim(9)).toEqual(['g-1']);
    expect(await amend('cancel', 'g-2')).toBe('done');
    expect(await amend('remove', 'g-3')).toBe('done');
    expect(await client.counts()).toMatchObject({ waiting: 2, cancelled: 1, active: 1 });
    expect(await amend('retry', 'g-2')).toBe('done');
    expect(await client.job('g-2')).toMatchObject({ state: 'waiting' });
    expect(await client.push({ id: 'g-3', group: 'g' })).toMatchObject([{ created: true }]);
    const order = ['g-1', 'g-4', 'g-5', 'g-2', 'g-3'];
    for (const [at, id] of order.entries()) {
      const { jobs } = await client.exchange({ settled: [completed(id)], claim: 9 });
      expect(jobs.map((one) => one.id)).toEqual(order.slice(at + 1, at + 2));
    }
    expect(await client.counts()).toEqual({ waiting: 0, delayed: 0, active: 0, completed: 5, failed: 0, cancelled: 0 });
  });

  add('raised and lifted limits let those aside back', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, ONE);
    await client.push(...several(5, { group: 'a' }), ...several(5, { group: 'b' }));
    expect(await client.claim(9)).toEqual(['a-1', 'b-1']);
    await limit(backend.queue, { group: { concurrency: 3 } });
    await client.push({ id: 'new' });
    expect(await client.claim(3)).toEqual(['a-2', 'a-3', 'b-2']);
    expect(await client.claim(9)).toEqual(['b-3', 'new']);
    await limit(backend.queue, null);
    await client.push({ id: 'top', priority: 1 });
    expect(await client.claim(9)).toEqual(['top', 'a-4', 'a-5', 'b-4', 'b-5']);
    expect(await client.counts()).toMatchObject({ waiting: 0 });
  });

  add('a paused queue keeps those aside, and their group free', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, ONE);
    await client.push(...several(3, { group: 'g' }));
    await client.claim(9);
    await backend.queue.amend('work', { do: 'pause' });
    expect((await client.exchange({ settled: [completed('g-1')], claim: 9 })).jobs).toEqual([]);
    await backend.queue.amend('work', { do: 'resume' });
    expect(await client.claim(9)).toEqual(['g-2']);
  });

  add('a job aside that stalls too often makes room as it fails', async ({ kit, backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, ONE);
    await client.push(...several(2, { group: 'g' }));
    await queueClient(backend.queue, 'gone').exchange({ claim: 1, leaseMs: 50 });
    expect(await client.claim(9)).toEqual([]);
    await kit.pass(70);
    expect(await client.sweep({ maxStalls: 0 })).toMatchObject({ failed: ['g-1'] });
    expect(await client.claim(9)).toEqual(['g-2']);
  });
}
