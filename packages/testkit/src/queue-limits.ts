import type { QueueLimits } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, failed, limit, listedQueues, queueClient, released, retry, several } from './queue-client.ts';
import { queueGroupSuite } from './queue-groups.ts';
import { type AddCase, suite } from './suite.ts';

/** Limits of queues, of groups, and of both. */
export function queueLimitsSuite(harness: Harness): void {
  suite(harness, 'queue limits', (add) => {
    concurrencyCases(add);
    rateCases(add);
    keepingCases(add);
    waitCases(add);
  });
  queueGroupSuite(harness);
}

function concurrencyCases(add: AddCase): void {
  add('a queue runs no more at a time than it may, in all processes together', async ({ kit, backend }) => {
    const one = queueClient(backend.queue, 'one');
    const two = queueClient((await kit.open()).queue, 'two');
    expect(await limit(backend.queue, { concurrency: 3 })).toBe('done');
    await one.push(...several(6));
    expect(await one.claim(2)).toEqual(['job-1', 'job-2']);
    expect(await two.claim(9)).toEqual(['job-3']);
    expect((await one.exchange({ claim: 9 })).dueInMs).toBeNull();
    expect(await one.counts()).toMatchObject({ waiting: 3, active: 3 });
    const next = await two.exchange({ settled: [completed('job-3')], claim: 9 });
    expect(next.jobs.map((job) => job.id)).toEqual(['job-4']);
    await one.settle(failed('job-1'), released('job-2'));
    expect(await two.claim(9)).toEqual(['job-2', 'job-5']);
  });

  add('a job that goes on counts until it ends, whatever the limits are meanwhile', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    await client.push(...several(4), ...several(4, { group: 'g' }));
    expect(await client.claim(6)).toHaveLength(6);
    await limit(backend.queue, { concurrency: 7, group: { concurrency: 1 } });
    expect(await client.claim(9)).toEqual([]);
    await client.settle(completed('g-1'));
    expect(await client.claim(9)).toEqual([]);
    expect((await client.exchange({ settled: [completed('g-2')], claim: 9 })).jobs).toMatchObject([{ id: 'g-3' }]);
  });

  add('a worker that vanishes gives its room back', async ({ kit, backend }) => {
    const gone = queueClient(backend.queue, 'gone');
    const other = queueClient(backend.queue, 'other');
    await limit(backend.queue, { concurrency: 2, group: { concurrency: 1 } });
    await gone.push(...several(2, { group: 'a' }), ...several(2, { group: 'b' }));
    expect((await gone.exchange({ claim: 9, leaseMs: 50 })).jobs).toMatchObject([{ id: 'a-1' }, { id: 'b-1' }]);
    expect(await other.claim(9)).toEqual([]);
    await kit.pass(70);
    expect([...(await other.sweep()).recovered].sort()).toEqual(['a-1', 'b-1']);
    expect(await other.list('waiting')).toEqual(['b-2', 'a-1', 'b-1', 'a-2']);
    expect(await other.claim(9)).toEqual(['a-1', 'b-1']);
  });
}

function rateCases(add: AddCase): void {
  const LONG = 3_600_000;

  add('a queue starts no more in a window than it may', async ({ kit, backend }) => {
    const one = queueClient(backend.queue, 'one');
    const two = queueClient((await kit.open()).queue, 'two');
    await limit(backend.queue, { rate: { count: 3, ms: 300 } });
    await one.push(...several(8));
    const first = await one.exchange({ claim: 2 });
    expect(first.jobs.map((job) => job.id)).toEqual(['job-1', 'job-2']);
    expect(first.dueInMs).toBeNull();
    const second = await two.exchange({ settled: [], claim: 9 });
    expect(second.jobs.map((job) => job.id)).toEqual(['job-3']);
    expect(second.dueInMs).toBeGreaterThan(0);
    expect(second.dueInMs).toBeLessThanOrEqual(300);
    expect(await one.settle(completed('job-1'), completed('job-2'))).toMatchObject({ jobs: [] });
    expect((await one.exchange({ claim: 9 })).jobs).toEqual([]);
    await kit.pass(310);
    expect(await one.claim(9)).toEqual(['job-4', 'job-5', 'job-6']);
    expect(await two.claim(9)).toEqual([]);
  });

  add('a job that is handed back does not give its start back', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, { rate: { count: 2, ms: LONG }, group: { rate: { count: 1, ms: LONG } } });
    await client.push(...several(2, { group: 'g' }), ...several(2));
    expect(await client.claim(1)).toEqual(['g-1']);
    await client.settle(released('g-1'));
    expect(await client.claim(9)).toEqual(['job-1']);
    const last = await client.exchange({ claim: 9 });
    expect(last.jobs).toEqual([]);
    expect(last.dueInMs).toBeGreaterThan(LONG / 2);
  });

  add('a window goes on under other limits, and ends with the rate', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    const rate = (count: number): QueueLimits => ({ rate: { count, ms: LONG } });
    await client.push(...several(9));
    await limit(backend.queue, rate(1));
    expect(await client.claim(9)).toEqual(['job-1']);
    await limit(backend.queue, rate(1));
    expect(await client.claim(9)).toEqual([]);
    await limit(backend.queue, rate(3));
    expect(await client.claim(9)).toEqual(['job-2', 'job-3']);
    await limit(backend.queue, { concurrency: 4 });
    await limit(backend.queue, rate(1));
    expect(await client.claim(9)).toEqual(['job-4']);
  });

  add('without jobs that wait no window is worth coming back for', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, { rate: { count: 1, ms: LONG }, group: { rate: { count: 1, ms: LONG } } });
    await client.push({ id: '1', group: 'g' });
    expect(await client.exchange({ claim: 9 })).toMatchObject({ jobs: [{ id: '1' }], dueInMs: null });
    await client.push({ id: '2' });
    await backend.queue.amend('work', { do: 'cancel', id: '2' });
    expect(await client.exchange({ claim: 9 })).toMatchObject({ jobs: [], dueInMs: null });
  });

  add('an exchange that is repeated starts nothing anew', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    const twice = { rate: { count: 4, ms: LONG } };
    await limit(backend.queue, { ...twice, concurrency: 4, group: { ...twice, concurrency: 2 } });
    await client.push(...several(9, { group: 'g' }), ...several(9));
    const first = await client.exchange({ claim: 3, nonce: 'n1' });
    expect(first.jobs.map((job) => job.id)).toEqual(['g-1', 'g-2', 'job-1']);
    expect(await client.exchange({ claim: 3, nonce: 'n1' })).toEqual(first);
    const settled = [completed('g-1'), retry('g-2')];
    const second = await client.exchange({ settled, claim: 1, nonce: 'n2' });
    expect(second.jobs.map((job) => job.id)).toEqual(['g-3']);
    expect((await client.exchange({ settled, claim: 1, nonce: 'n2' })).jobs).toEqual(second.jobs);
    expect(await client.claim(9)).toEqual([]);
    expect(await client.counts()).toMatchObject({ active: 2, completed: 1 });
  });
}

function keepingCases(add: AddCase): void {
  add('limits are shown, and keep their queue on the list as a pause does', async ({ kit, backend }) => {
    const client = queueClient(backend.queue, 'a');
    const limits: QueueLimits = { concurrency: 5, rate: { count: 10, ms: 1_000 }, group: { concurrency: 1 } };
    expect(await limit(backend.queue, null)).toBe('done');
    expect(await listedQueues(backend.queue)).toEqual([]);
    await limit(backend.queue, limits);
    expect(await listedQueues((await kit.open()).queue)).toEqual(['work']);
    await kit.pass(60);
    await client.sweep({ idleMs: 50 });
    expect((await backend.queue.inspect({ of: 'queues' })).queues).toMatchObject([{ queue: 'work', limits }]);
    await limit(backend.queue, { concurrency: 5 });
    const { queues } = await backend.queue.inspect({ of: 'jobs', queue: 'work', ids: [] });
    expect(queues[0]?.limits).toEqual({ concurrency: 5 });
    await limit(backend.queue, null);
    expect((await backend.queue.inspect({ of: 'queues' })).queues).toMatchObject([{ limits: null }]);
    await kit.pass(60);
    await client.sweep({ idleMs: 50 });
    expect(await listedQueues(backend.queue)).toEqual([]);
  });

  add('a job shows its group for as long as it is kept', async ({ backend }) => {
    const client = queueClient(backend.queue, 'a');
    await client.push({ id: '1', group: 'ü {1}:x' }, { id: '2' });
    expect(await client.job('1')).toMatchObject({ group: 'ü {1}:x' });
    expect(await client.job('2')).toMatchObject({ group: null });
    await client.claim(1);
    await client.settle(failed('1'));
    expect(await client.job('1')).toMatchObject({ group: 'ü {1}:x', state: 'failed' });
    await backend.queue.amend('work', { do: 'remove', id: '1' });
    await client.push({ id: '1' });
    expect(await client.job('1')).toMatchObject({ group: null });
  });
}

function waitCases(add: AddCase): void {
  for (const [what, limits] of [
    ['queue', { concurrency: 2 }],
    ['group', { group: { concurrency: 1 } }],
  ] as const) {
    add(`what nobody may claim wakes nobody, and room in the ${what} wakes a waiter`, async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const other = (await kit.open()).queue;
      await limit(backend.queue, limits);
      await client.push(...several(3, { group: 'a' }), ...several(3, { group: 'b' }));
      await client.claim(9);
      const stop = new AbortController();
      // Hints of the pushes.
      for (let hinted = true; hinted; ) {
        const wait = other.wait(['work'], stop.signal).then(() => true);
        hinted = await Promise.race([wait, kit.pass(50).then(() => false)]);
        if (hinted) await queueClient(other, 'b').claim(1);
      }
      stop.abort();
      const signal = new AbortController().signal;
      const waited = other.wait(['work'], signal);
      await client.sweep();
      await client.exchange({ claim: 1 });
      expect(await Promise.race([waited.then(() => 'woken'), kit.pass(50).then(() => 'waits')])).toBe('waits');
      const active = await client.list('active');
      await client.settle(...active.map((id) => completed(id)));
      await waited;
      expect(await queueClient(other, 'b').claim(9)).toHaveLength(2);
    });
  }

  add('a wait ends when limits are raised', async ({ kit, backend }) => {
    const client = queueClient(backend.queue, 'a');
    await limit(backend.queue, { concurrency: 1, group: { concurrency: 1 } });
    await client.push(...several(3, { group: 'g' }));
    await client.claim(9);
    const other = (await kit.open()).queue;
    await other.wait(['work'], AbortSignal.any([AbortSignal.timeout(100)]));
    expect(await queueClient(other, 'b').claim(9)).toEqual([]);
    const waited = other.wait(['work'], new AbortController().signal);
    await limit(backend.queue, { concurrency: 2 });
    await waited;
    expect(await queueClient(other, 'b').claim(9)).toEqual(['g-2']);
  });
}
