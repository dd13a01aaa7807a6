import { PortolanError, type Queue, type QueuePort, type ScheduledTick, type ScheduleOptions } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';
import { job, withBench, wrapQueue } from './worker-bench.ts';

const DAY = 86_400_000;
const away = (): PortolanError => new PortolanError('UNAVAILABLE', 'the store is away');

async function storeTime(port: QueuePort): Promise<number> {
  const { schedules } = await port.inspect({ of: 'schedules', queue: 'work', cursor: null, limit: 0 });
  return schedules?.now ?? Number.NaN;
}

/** Adds a schedule that nobody fired since its start. */
async function missedSince(port: QueuePort, queue: Queue, options: ScheduleOptions): Promise<void> {
  const { id, startAt } = options;
  await queue.schedule(job, { n: 1 }, options);
  const { schedules } = await port.inspect({ of: 'schedules', queue: 'work', cursor: null, limit: 500 });
  const record = schedules?.list.find((one) => one.id === id);
  if (!record || startAt === undefined) throw new Error('no such schedule');
  await port.amend('work', { do: 'unschedule', id });
  await port.amend('work', { ...record, do: 'schedule', nextAt: startAt });
}

/** Core's schedules on the port, and the worker's scheduler. */
export function workerScheduleSuite(harness: Harness): void {
  suite(harness, 'worker schedules', (add) => {
    add('saying a schedule again changes nothing; other data keeps its next tick', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue }) => {
        const options = { id: 'report', cron: '0 9 * * 1-5', timeZone: 'Europe/Rome' };
        await queue.schedule(job, { n: 1 }, { ...options, options: { priority: 3, dedupeKey: 'k' } });
        const [said] = (await queue.schedules('work')).schedules;
        expect(said).toEqual({
          ...options,
          queue: 'work',
          name: 'test.job',
          data: { n: 1 },
          version: 1,
          attempts: 3,
          priority: 3,
          dedupeKey: 'k',
          missed: 'once',
          nextAt: expect.any(Number),
          lastAt: null,
        });
        expect(said?.nextAt).toBeGreaterThanOrEqual(await storeTime(backend.queue));
        const again = { timeZone: 'Europe/Rome', cron: ' 0 9 * * 1-5', id: 'report', missed: 'all' } as const;
        await queue.schedule(job, { n: 2 }, again);
        const { nextAt } = said ?? {};
        expect((await queue.schedules('work')).schedules).toMatchObject([{ data: { n: 2 }, missed: 'all', nextAt }]);
        await queue.schedule(job, { n: 2 }, { id: 'report', everyMs: 1_000 });
        const [changed] = (await queue.schedules('work')).schedules;
        expect(changed).toMatchObject({ everyMs: 1_000 });
        expect(changed).not.toHaveProperty('cron');
        expect(changed?.nextAt).not.toBe(nextAt);
        expect(await queue.unschedule('work', 'report')).toBe(true);
        expect(await queue.unschedule('work', 'report')).toBe(false);
        expect(await queue.schedules('work')).toEqual({ schedules: [], cursor: null });
      });
    });

    add(
      'each tick makes one job, of two workers of which one is cut off',
      async ({ kit, backend }) => {
        let up = true;
        const call = <T>(run: () => Promise<T>): Promise<T> => (up ? run() : Promise.reject(away()));
        const { queue: port } = backend;
        const severed = wrapQueue(port, {
          exchange: (...args) => call(() => port.exchange(...args)),
          beat: (...args) => call(() => port.beat(...args)),
          sweep: (...args) => call(() => port.sweep(...args)),
          inspect: (...args) => call(() => port.inspect(...args)),
          amend: (...args) => call(() => port.amend(...args)),
        });
        await withBench(kit, backend, async ({ queue, worker }) => {
          const ticks: (ScheduledTick | undefined)[] = [];
          const run = (_: unknown, { schedule }: { schedule?: ScheduledTick | undefined }) => ticks.push(schedule);
          // `all`, so that a machine that is slow for seconds changes nothing.
          await queue.schedule(job, { n: 1 }, { id: 'beat', everyMs: 1_000, missed: 'all' });
          worker(run, { leaseMs: 300, queues: ['work'], port: severed });
          worker(run, { leaseMs: 300, queues: ['work'] });
          await kit.eventually('the first tick', () => ticks.length > 0, 20_000);
          up = false;
          const finished = async () => (await queue.list({ queue: 'work', state: 'completed' })).jobs;
          await kit.eventually('three more', async () => (await finished()).length >= 4, 30_000);
          await queue.unschedule('work', 'beat');
          up = true;
          const jobs = (await finished()).toSorted((a, b) => (a.schedule?.at ?? 0) - (b.schedule?.at ?? 0));
          const first = jobs[0]?.schedule?.at ?? 0;
          expect(first % 1_000).toBe(0);
          expect(jobs.map(({ schedule }) => schedule)).toEqual(
            jobs.map((_, n) => ({ id: 'beat', at: first + n * 1_000 })),
          );
          expect(jobs.map(({ id }) => id)).toEqual(jobs.map((_, n) => `work:beat@${first + n * 1_000}`));
          expect(new Set(ticks.map((one) => one?.id))).toEqual(new Set(['beat']));
          for (const { startedAt = 0, schedule } of jobs) expect(startedAt).toBeGreaterThanOrEqual(schedule?.at ?? 0);
        });
      },
      60_000,
    );

    for (const [missed, ticks] of [
      ['once', [5]],
      ['skip', [5]],
      ['all', [0, 1, 2, 3, 4, 5]],
    ] as const) {
      add(`a worker that comes back makes good what was missed: ${missed}`, async ({ kit, backend }) => {
        await withBench(kit, backend, async ({ queue, worker }) => {
          const startAt = (await storeTime(backend.queue)) - 300_500;
          await missedSince(backend.queue, queue, { id: 'late', everyMs: 60_000, startAt, missed });
          const ran: number[] = [];
          worker((_, { schedule }) => ran.push(schedule?.at ?? 0), { leaseMs: 300, concurrency: 1 });
          await kit.eventually('they ran', () => ran.length === ticks.length);
          expect(ran).toEqual(ticks.map((n) => startAt + n * 60_000));
          const [{ nextAt = 0, lastAt = 0 } = {}] = (await queue.schedules('work')).schedules;
          expect([nextAt, lastAt]).toEqual([startAt + 360_000, startAt + 300_000]);
        });
      });
    }

    add('skip drops a tick that is minutes late, once does not', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker }) => {
        const startAt = (await storeTime(backend.queue)) - 120_000;
        await missedSince(backend.queue, queue, { id: 'skipped', everyMs: DAY, startAt, missed: 'skip' });
        await missedSince(backend.queue, queue, { id: 'kept', everyMs: DAY, startAt, missed: 'once' });
        const ran: unknown[] = [];
        worker((_, { schedule }) => ran.push(schedule), { leaseMs: 300 });
        const next = async () =>
          (await queue.schedules('work')).schedules.map(({ id, nextAt, lastAt }) => [id, nextAt, lastAt]);
        await kit.eventually('both were fired', async () =>
          (await next()).every(([, nextAt]) => nextAt === startAt + DAY),
        );
        expect(await next()).toEqual([
          ['kept', startAt + DAY, startAt],
          ['skipped', startAt + DAY, null],
        ]);
        await kit.eventually('one ran', () => ran.length > 0);
        expect(ran).toEqual([{ id: 'kept', at: startAt }]);
      });
    });

    add('many schedules that are due at once, and one that is not readable', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker }) => {
        const startAt = (await storeTime(backend.queue)) - 1_000;
        const ids = Array.from({ length: 45 }, (_, n) => `s${String(n).padStart(2, '0')}`);
        for (const id of ids) await missedSince(backend.queue, queue, { id, everyMs: DAY, startAt });
        for (const id of ['a', 'b']) {
          const strange = { id, timing: '{"moon":"full"}', template: '{}', nextAt: 1_000 };
          await backend.queue.amend('work', { do: 'schedule', ...strange });
        }
        const ran: (string | undefined)[] = [];
        worker((_, { schedule }) => ran.push(schedule?.id), { leaseMs: 300 });
        await kit.eventually('all ran', () => ran.length === ids.length);
        expect(ran.toSorted()).toEqual(ids);
        const { schedules } = await backend.queue.inspect({ of: 'schedules', queue: 'work', cursor: null, limit: 2 });
        expect(schedules?.list).toMatchObject([{ id: 'a', nextAt: 1_000 }, { id: 'b' }]);
      });
    });

    add('a schedule ends at endAt, and is gone', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker }) => {
        const startAt = (await storeTime(backend.queue)) + 100;
        const ran: unknown[] = [];
        worker((_, { schedule }) => ran.push(schedule?.at), { leaseMs: 300 });
        const window = { id: 'window', everyMs: 1_000, startAt, endAt: startAt + 1_000, missed: 'all' } as const;
        await queue.schedule(job, { n: 1 }, window);
        await kit.eventually('it ends', async () => (await queue.schedules('work')).schedules.length === 0);
        await kit.eventually('both ran', () => ran.length === 2);
        expect(ran).toEqual([startAt, startAt + 1_000]);
        await queue.schedule(job, { n: 1 }, window);
        expect((await queue.schedules('work')).schedules).toEqual([]);
      });
    });

    add(
      'a tick whose reply was lost makes one job, and the schedule goes on',
      async ({ kit, backend }) => {
        const { queue: inner } = backend;
        let lost = 0;
        const port = wrapQueue(inner, {
          async amend(queue, amendment) {
            const amended = await inner.amend(queue, amendment);
            if (amendment.do !== 'fire' || lost > 0) return amended;
            lost += 1;
            throw away();
          },
          async inspect(inspection) {
            if (inspection.of === 'schedules' && lost === 1) {
              lost += 1;
              throw away();
            }
            return inner.inspect(inspection);
          },
        });
        await withBench(kit, backend, async ({ queue, worker }) => {
          const startAt = (await storeTime(inner)) - 4_000;
          await missedSince(inner, queue, { id: 's', everyMs: 1_000, startAt, endAt: startAt + 6_000, missed: 'all' });
          const ran: unknown[] = [];
          worker((_, { schedule }) => ran.push(schedule?.at), { port, leaseMs: 300, concurrency: 1 });
          await kit.eventually('it ends', async () => (await queue.schedules('work')).schedules.length === 0, 20_000);
          await kit.eventually('all ran', () => ran.length === 7);
          expect(ran).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => startAt + n * 1_000));
          expect(lost).toBe(2);
        });
      },
      30_000,
    );

    add(
      'a worker finds the schedule of a queue that never had a job, and a paused one goes on',
      async (test) => {
        const { kit, backend } = test;
        await withBench(kit, backend, async ({ queue, worker }) => {
          const ran: unknown[] = [];
          worker((_, { queue: name }) => ran.push(name), { leaseMs: 300 });
          for (const name of ['guest', 'paused']) {
            await queue.schedule(job, { n: 1 }, { id: 's', everyMs: 1_000, options: { queue: name } });
          }
          await queue.pause('paused');
          await kit.eventually('it ran', () => ran.includes('guest'), 20_000);
          const waiting = async () => (await queue.list({ queue: 'paused', state: 'waiting' })).jobs;
          await kit.eventually('its job waits', async () => (await waiting()).length > 0, 20_000);
          expect((await waiting())[0]).toMatchObject({ data: { n: 1 }, schedule: { id: 's' } });
          expect(ran).not.toContain('paused');
        });
      },
      60_000,
    );
  });
}
