import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { inlineQueueSuite } from './inline-queue.ts';
import { jobEventSuite } from './job-events.ts';
import { queueAdminSuite } from './queue-admin.ts';
import { completed, failed, KEEP, queueClient, released, retry } from './queue-client.ts';
import { deadLetterSuite } from './queue-dead-letters.ts';
import { queueDedupeSuite } from './queue-dedupe.ts';
import { encryptedQueueSuite } from './queue-encrypted.ts';
import { queueFlowSuite } from './queue-flow.ts';
import { queueOwedSuite } from './queue-flow-owed.ts';
import { queueInputSuite } from './queue-input.ts';
import { queueLeaseSuite } from './queue-lease.ts';
import { queueLimitsSuite } from './queue-limits.ts';
import { queueListSuite } from './queue-list.ts';
import { queueLogsSuite } from './queue-logs.ts';
import { queueReconcileSuite } from './queue-reconcile.ts';
import { queueScheduleSuite } from './queue-schedule.ts';
import { suite } from './suite.ts';
import { workerSuites } from './worker-suites.ts';

export function queueSuite(harness: Harness): void {
  suite(harness, 'queue', (add) => {
    add('a job comes back as it was pushed, once', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const body = '{"text":"ünï \\u0000 \u{1F600}","n":1.0}';
      expect(await client.push({ id: '1', body })).toEqual([{ id: '1', created: true }]);
      const { jobs, created } = await client.exchange({ claim: 10 });
      expect(created).toBe(true);
      expect(jobs).toMatchObject([{ id: '1', body, attempt: 1, stalls: 0 }]);
      expect(await client.claim(10)).toEqual([]);
    });

    add('jobs run by priority, then in the order of arrival', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: 'z1' }, { id: 'low', priority: -5 }, { id: 'y2' }, { id: 'top1', priority: 9 });
      await client.push({ id: 'x3' }, { id: 'top2', priority: 9 }, { id: 'mid', priority: 1 });
      const order = ['top1', 'top2', 'mid', 'z1', 'y2', 'x3', 'low'];
      expect(await client.list('waiting')).toEqual(order);
      expect(await client.claim(2)).toEqual(['top1', 'top2']);
      expect(await client.claim(2)).toEqual(['mid', 'z1']);
      expect(await client.claim(5)).toEqual(['y2', 'x3', 'low']);
    });

    add('a claim takes no more than asked for', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' }, { id: '2' }, { id: '3' });
      expect(await client.claim(2)).toEqual(['1', '2']);
      expect(await client.counts()).toMatchObject({ waiting: 1, active: 2 });
    });

    add('a repeated push changes nothing', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' });
      expect(await client.push({ id: '1', body: 'other' }, { id: '2' }, { id: '2' })).toEqual([
        { id: '1', created: false },
        { id: '2', created: true },
        { id: '2', created: false },
      ]);
      expect(await client.claim(10)).toEqual(['1', '2']);
      expect((await client.job('1'))?.body).toBe('body of 1');
      await client.settle(completed('1'), completed('2'));
      expect(await client.push({ id: '1' })).toEqual([{ id: '1', created: false }]);
      expect(await client.claim(10)).toEqual([]);
    });

    add('a dedupe key admits one unfinished job', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1', dedupeKey: 'k' });
      expect(await client.push({ id: '2', dedupeKey: 'k' }, { id: '3', dedupeKey: 'other' })).toEqual([
        { id: '1', created: false },
        { id: '3', created: true },
      ]);
      expect(await client.claim(10)).toEqual(['1', '3']);
      expect(await client.push({ id: '4', dedupeKey: 'k' })).toEqual([{ id: '1', created: false }]);
      await client.settle(retry('1'), completed('3'));
      expect(await client.push({ id: '5', dedupeKey: 'k' })).toEqual([{ id: '1', created: false }]);
      await client.claim(1);
      await client.settle(failed('1'));
      expect(await client.push({ id: '6', dedupeKey: 'k' })).toEqual([{ id: '6', created: true }]);
    });

    add('a cancelled or removed job gives its dedupe key back', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      for (const change of ['cancel', 'remove'] as const) {
        await client.push({ id: change, dedupeKey: change });
        expect(await backend.queue.amend('work', { do: change, id: change })).toBe('done');
        expect(await client.push({ id: `${change}-2`, dedupeKey: change })).toMatchObject([{ created: true }]);
      }
      expect(await client.claim(10)).toEqual(['cancel-2', 'remove-2']);
    });

    add('a delayed job waits for its time', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: 'later', delayMs: 150, priority: 3 }, { id: 'far', delayMs: 3_600_000 }, { id: 'now' });
      expect(await client.list('delayed')).toEqual(['later', 'far']);
      const first = await client.exchange({ claim: 10 });
      expect(first.jobs.map((job) => job.id)).toEqual(['now']);
      expect(first.dueInMs).toBeGreaterThan(0);
      expect(first.dueInMs).toBeLessThanOrEqual(150);
      await kit.pass(160);
      const second = await client.exchange({ claim: 10 });
      expect(second.jobs.map((job) => job.id)).toEqual(['later']);
      expect(second.dueInMs).toBeGreaterThan(1_000_000);
    });

    add('a settled job keeps what it ended with', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' }, { id: '2', priority: 2 }, { id: '3' });
      await client.claim(3);
      const settled = await client.settle(completed('1', '{"a":1.0}'), failed('2'), {
        id: '3',
        outcome: 'cancelled',
        error: '"stop"',
      });
      expect(settled).toMatchObject({ refused: [], jobs: [] });
      expect(await client.job('1')).toMatchObject({
        state: 'completed',
        result: '{"a":1.0}',
        attempts: 1,
        error: null,
      });
      expect(await client.job('2')).toMatchObject({ state: 'failed', error: '"broken"', attempts: 1, priority: 2 });
      const third = await client.job('3');
      expect(third).toMatchObject({ state: 'cancelled', error: '"stop"', result: null });
      expect(third?.finishedAt).toBeGreaterThanOrEqual(third?.startedAt ?? Number.NaN);
      expect(await client.counts()).toMatchObject({ active: 0, completed: 1, failed: 1, cancelled: 1 });
    });

    add('a retried job runs again after its delay and counts its attempts', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' }, { id: '2' });
      await client.claim(1);
      const { jobs } = await client.exchange({ settled: [retry('1')], claim: 10 });
      expect(jobs).toMatchObject([{ id: '2' }, { id: '1', attempt: 2, stalls: 0 }]);
      await client.settle(retry('1', 100));
      expect(await client.job('1')).toMatchObject({ state: 'delayed', attempts: 2, error: '"again"' });
      expect(await client.claim(1)).toEqual([]);
      await kit.pass(110);
      expect((await client.exchange({ claim: 1 })).jobs).toMatchObject([{ id: '1', attempt: 3 }]);
    });

    add('a released job goes to the front, or is delayed, and its attempt does not count', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' }, { id: '2' }, { id: 'p1', priority: 1 }, { id: 'p2', priority: 1 });
      expect(await client.claim(3)).toEqual(['p1', 'p2', '1']);
      await client.settle(released('1'), released('p2'));
      expect(await client.list('waiting')).toEqual(['p2', '1', '2']);
      expect((await client.exchange({ claim: 2 })).jobs).toMatchObject([
        { id: 'p2', attempt: 1 },
        { id: '1', attempt: 1 },
      ]);
      await client.settle(released('1', 100));
      expect(await client.job('1')).toMatchObject({ state: 'delayed', attempts: 0 });
      await kit.pass(110);
      expect((await client.exchange({ claim: 9 })).jobs).toMatchObject([{ id: '2' }, { id: '1', attempt: 1 }]);
    });

    add('finished jobs are kept within both bounds', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const retention = { completed: { count: 3, ms: 3_600_000 }, failed: { count: 2, ms: 100 } };
      const ids = ['1', '2', '3', '4', '5'];
      await client.push(...ids.map((id) => ({ id })), { id: 'f1' }, { id: 'f2' }, { id: 'f3' });
      await client.claim(10);
      for (const id of ids) await client.exchange({ settled: [completed(id)], retention });
      expect(await client.list('completed')).toEqual(['5', '4', '3']);
      expect(await client.job('1')).toBeUndefined();
      await client.exchange({ settled: [failed('f1'), failed('f2'), failed('f3')], retention });
      expect(await client.counts()).toMatchObject({ completed: 3, failed: 2 });
      await kit.pass(110);
      for (let more = true; more; ) more = (await client.sweep({ retention })).more;
      expect(await client.counts()).toMatchObject({ completed: 3, failed: 0 });
      expect(await client.push({ id: 'f1' })).toMatchObject([{ created: true }]);
    });

    add('500 jobs fit one push, one claim and one settle', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const ids = Array.from({ length: 500 }, (_, index) => `job-${String(index).padStart(3, '0')}`);
      await client.push(...ids.map((id) => ({ id, priority: 0 })));
      expect(await client.claim(500)).toEqual(ids);
      expect((await client.settle(...ids.map((id) => retry(id)))).refused).toEqual([]);
      expect(await client.claim(500)).toEqual(ids);
      expect((await client.settle(...ids.map((id) => completed(id)))).refused).toEqual([]);
      expect(await client.counts()).toMatchObject({ waiting: 0, active: 0, completed: 500 });
    });

    add('one job goes to one of many claimers', async ({ kit, backend }) => {
      const other = await kit.open();
      const clients = Array.from({ length: 8 }, (_, n) => queueClient((n % 2 ? other : backend).queue, `s${n}`));
      const ids = Array.from({ length: 200 }, (_, index) => `job-${index}`);
      await clients[0]?.push(...ids.map((id, index) => ({ id, priority: index % 3 })));
      const claimed = await Promise.all(clients.flatMap((client) => Array.from({ length: 10 }, () => client.claim(5))));
      expect(claimed.flat().sort()).toEqual(ids.toSorted());
    });

    add('queues do not see each other', async ({ backend }) => {
      const one = queueClient(backend.queue, 'a', 'one');
      const two = queueClient(backend.queue, 'a', 'two');
      await one.push({ id: '1', dedupeKey: 'k' });
      expect(await two.push({ id: '1', dedupeKey: 'k' })).toMatchObject([{ created: true }]);
      await backend.queue.amend('one', { do: 'pause' });
      expect(await two.claim(5)).toEqual(['1']);
      expect(await one.settle(completed('1'))).toMatchObject({ refused: ['1'] });
      const { queues } = await backend.queue.inspect({ of: 'queues' });
      expect(queues).toMatchObject([
        { queue: 'one', paused: true, counts: { waiting: 1 } },
        { queue: 'two', paused: false, counts: { active: 1 } },
      ]);
    });

    add('a retention of nothing keeps nothing', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' });
      await client.claim(1);
      const retention = { ...KEEP, completed: { count: 0, ms: 1_000 } };
      expect(await client.exchange({ settled: [completed('1')], retention })).toMatchObject({ refused: [] });
      expect(await client.job('1')).toBeUndefined();
    });
  });
  queueLeaseSuite(harness);
  queueInputSuite(harness);
  queueAdminSuite(harness);
  queueListSuite(harness);
  queueDedupeSuite(harness);
  queueLogsSuite(harness);
  deadLetterSuite(harness);
  encryptedQueueSuite(harness);
  queueScheduleSuite(harness);
  queueLimitsSuite(harness);
  queueFlowSuite(harness);
  queueReconcileSuite(harness);
  queueOwedSuite(harness);
  jobEventSuite(harness);
  inlineQueueSuite(harness);
  workerSuites(harness);
}
