import { type Backoff, defineJob, type Upgrade } from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';
import { job, withBench } from './worker-bench.ts';

const HOUR_MS = 3_600_000;

const broken: Readonly<Record<string, Backoff>> = {
  throws: () => {
    throw new Error('a bug in the backoff');
  },
  'answers NaN': () => Number.NaN,
};

/** One job through three versions of its data. */
const first = { ...job, input: z.object({ count: z.string() }) };
const third = defineJob({
  ...job,
  version: 3,
  upgrade: {
    1: (data) => {
      const { count } = data as { count: string };
      if (Number.isNaN(Number(count))) throw new Error(`${count} is no number`);
      return { number: Number(count) };
    },
    2: async (data) => ({ n: (data as { number: number }).number }),
  },
});

/** What a job's definition decides about its runs. */
export function workerPolicySuite(harness: Harness): void {
  suite(harness, 'worker policy', (add) => {
    for (const [how, backoff] of Object.entries(broken)) {
      add(`a backoff function that ${how} delays its job and loses nothing`, async ({ kit, backend }) => {
        await withBench(kit, backend, async ({ queue, worker, event, state }) => {
          const definition = { ...job, backoff };
          const running = worker(({ n }, { attempt }) => (attempt > 1 ? n : Promise.reject(new Error('not yet'))), {
            definition,
            concurrency: 1,
          });
          const { id } = await queue.enqueue(job, { n: 1 });
          expect(await event('retried')).toMatchObject({ id, error: { message: 'not yet' } });
          const { dueAt = 0, startedAt = 0 } = await state(id, 'delayed');
          expect(dueAt - startedAt).toBeGreaterThanOrEqual(HOUR_MS);
          expect(running.active).toEqual([]);
          await queue.promote(id);
          expect(await state(id, 'completed')).toMatchObject({ attempts: 2, result: 1 });
        });
      });
    }

    add('a backoff function that answers a negative number runs its job again at once', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        worker((_, { attempt }) => (attempt > 1 ? 'ok' : Promise.reject(new Error('not yet'))), {
          definition: { ...job, backoff: () => -60_000 },
        });
        const { id } = await queue.enqueue(job, { n: 1 });
        expect(await state(id, 'completed')).toMatchObject({ attempts: 2 });
      });
    });

    add('jitter spreads the retries of jobs that failed together', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, events }) => {
        const backoff: Backoff = { kind: 'fixed', delayMs: HOUR_MS, jitter: 0.5 };
        worker(() => Promise.reject(new Error('all at once')), { definition: { ...job, backoff } });
        const list = Array.from({ length: 40 }, (_, n) => ({ data: { n } }));
        await queue.enqueueMany(job, list);
        await kit.eventually('all failed', () => events.filter((one) => one.type === 'retried').length === list.length);
        const { jobs } = await queue.list({ queue: 'work', state: 'delayed', limit: 500 });
        const pauses = jobs.map(({ dueAt = 0, startedAt = 0 }) => dueAt - startedAt);
        expect(pauses).toHaveLength(list.length);
        expect(Math.min(...pauses)).toBeGreaterThanOrEqual(HOUR_MS / 2);
        // The store reckons from when it is told, so the time of the run comes on top: far less than what chance moves.
        expect(Math.max(...pauses)).toBeLessThan(HOUR_MS * 1.01);
        // Forty draws that stand within a tenth of their range: 1 in 10^38.
        expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(HOUR_MS / 20);
      });
    });

    add('a job of an older version runs with its data upgraded', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        worker(({ n }) => n, { definition: third });
        const { id } = await queue.enqueue(first, { count: '4' });
        const second = await queue.enqueue(
          { ...first, version: 2, input: z.object({ number: z.number() }) },
          { number: 5 },
        );
        const present = await queue.enqueue(third, { n: 6 });
        expect(await state(id, 'completed')).toMatchObject({ result: 4, version: 1, data: { count: '4' } });
        expect(await state(second.id, 'completed')).toMatchObject({ result: 5, version: 2 });
        expect(await state(present.id, 'completed')).toMatchObject({ result: 6, version: 3 });
      });
    });

    add('a job of a newer version is left to a worker that knows it', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, event, state }) => {
        const runs: unknown[] = [];
        const old = worker((data) => runs.push(data), { definition: job });
        const { id } = await queue.enqueue(third, { n: 1 });
        expect(await event('released')).toMatchObject({ id, name: 'test.job' });
        expect(await state(id, 'delayed')).toMatchObject({ attempts: 0, version: 3, data: { n: 1 } });
        await old.stop();
        worker(({ n }) => n, { definition: third });
        await queue.promote(id);
        expect(await state(id, 'completed')).toMatchObject({ attempts: 1, result: 1 });
        expect(runs).toEqual([]);
      });
    });

    add('a job whose data cannot be upgraded has failed, and says why', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        const runs: unknown[] = [];
        worker((data) => runs.push(data), { definition: { ...third, upgrade: { 2: third.upgrade[2] as Upgrade } } });
        worker((data) => runs.push(data), { definition: third, queues: ['other'] });
        const { id } = await queue.enqueue(first, { count: '4' });
        const wrong = await queue.enqueue(first, { count: 'four' }, { queue: 'other' });
        expect(await state(id, 'failed')).toMatchObject({
          attempts: 1,
          error: { code: 'INVALID', message: 'job test.job: there is no upgrade from version 1' },
        });
        expect(await state(wrong.id, 'failed')).toMatchObject({
          attempts: 1,
          error: { code: 'INVALID', message: 'job test.job: the upgrade from version 1 failed: four is no number' },
        });
        expect(runs).toEqual([]);
      });
    });
  });
}
