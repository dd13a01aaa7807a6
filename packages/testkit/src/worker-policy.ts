import type { Backoff } from '@portolan/core';
import { expect } from 'vitest';
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
  });
}
