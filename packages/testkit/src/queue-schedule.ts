import { type Amendment, MAX_SCHEDULES, type NewJob, type QueuePort, type ScheduleRecord } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, KEEP, listedQueues, queueClient } from './queue-client.ts';
import { suite } from './suite.ts';

type Change<Kind extends Amendment['do']> = Omit<Extract<Amendment, { readonly do: Kind }>, 'do' | 'id'>;

/** One schedule of the queue `work`, with defaults for what a test does not care for. */
function scheduleClient(port: QueuePort, id = 's', queue = 'work') {
  const list = async () => (await look(port, queue)).list;
  return {
    schedule: (nextAt: number | null, change: Partial<Change<'schedule'>> = {}) =>
      port.amend(queue, { do: 'schedule', id, timing: '"daily"', template: '{"n":1.0}', nextAt, ...change }),
    unschedule: () => port.amend(queue, { do: 'unschedule', id }),
    fire: (at: number, nextAt: number | null, jobs: readonly NewJob[] = [], lastAt: number | null = null) =>
      port.amend(queue, { do: 'fire', id, at, nextAt, lastAt, jobs }),
    list,
    record: async (): Promise<ScheduleRecord | undefined> => (await list()).find((one) => one.id === id),
  };
}

async function look(port: QueuePort, queue = 'work') {
  const { schedules } = await port.inspect({ of: 'schedules', queue, cursor: null, limit: 100 });
  if (!schedules) throw new Error('an inspection of schedules tells none');
  return schedules;
}

const tick = (id: string, more: Partial<NewJob> = {}): NewJob => ({ id, body: id, priority: 0, delayMs: 0, ...more });
const HOUR = 3_600_000;

/** What a store keeps of schedules, and that a tick is fired once. */
export function queueScheduleSuite(harness: Harness): void {
  suite(harness, 'queue schedules', (add) => {
    add('a schedule is kept as it was said; saying it again changes nothing', async ({ kit, backend }) => {
      const client = scheduleClient(backend.queue);
      const { now } = await look(backend.queue);
      const template = '{"text":"ünï \\u0000 \u{1F600}","n":1.0}';
      expect(await client.schedule(now + HOUR, { template })).toBe('done');
      const said = { id: 's', timing: '"daily"', template, nextAt: now + HOUR, lastAt: null };
      expect(await client.list()).toEqual([said]);
      const other = scheduleClient((await kit.open()).queue);
      expect(await other.schedule(now + 2 * HOUR, { template })).toBe('done');
      expect(await other.schedule(null, { template })).toBe('done');
      expect(await client.list()).toEqual([said]);
    });

    add('another template leaves the next tick alone, another timing does not', async ({ backend }) => {
      const client = scheduleClient(backend.queue);
      const { now } = await look(backend.queue);
      await client.schedule(now - 1_000);
      expect(await client.fire(now - 1_000, now - 500, [tick('1')], now - 1_000)).toBe('done');
      await client.schedule(now + HOUR, { template: 'new' });
      const fired = { id: 's', timing: '"daily"', template: 'new', nextAt: now - 500, lastAt: now - 1_000 };
      expect(await client.list()).toEqual([fired]);
      await client.schedule(now + HOUR, { timing: '"hourly"', template: 'new' });
      expect(await client.list()).toEqual([{ ...fired, timing: '"hourly"', nextAt: now + HOUR }]);
    });

    add('a tick renews the template, unless another was said meanwhile', async ({ backend }) => {
      const client = scheduleClient(backend.queue);
      const fire = (at: number, from: string, jobs: readonly NewJob[]) =>
        backend.queue.amend('work', {
          do: 'fire',
          id: 's',
          at,
          nextAt: at + 1_000,
          lastAt: at,
          jobs,
          renew: { from, to: '{"n":"ü\\u0000"}' },
        });
      await client.schedule(1_000);
      expect(await fire(1_000, '{"n":1.0}', [tick('1')])).toBe('done');
      const renewed = { template: '{"n":"ü\\u0000"}', nextAt: 2_000, lastAt: 1_000 };
      expect(await client.record()).toMatchObject(renewed);
      expect(await fire(1_000, renewed.template, [])).toBe('refused');
      await client.schedule(1_000, { template: 'said' });
      expect(await fire(2_000, renewed.template, [])).toBe('done');
      expect(await client.record()).toMatchObject({ template: 'said', nextAt: 3_000 });
      expect(await queueClient(backend.queue, 'a').claim(5)).toEqual(['1']);
    });

    add('a timing without a tick left adds nothing and removes another', async ({ backend }) => {
      const client = scheduleClient(backend.queue);
      expect(await client.schedule(null)).toBe('missing');
      expect(await listedQueues(backend.queue)).toEqual([]);
      await client.schedule(1_000);
      expect(await client.schedule(null, { timing: '"over"' })).toBe('done');
      expect(await client.list()).toEqual([]);
    });

    add('unschedule removes the schedule and leaves its jobs', async ({ backend }) => {
      const client = scheduleClient(backend.queue);
      expect(await client.unschedule()).toBe('missing');
      await client.schedule(1_000);
      await client.fire(1_000, 2_000, [tick('1')], 1_000);
      expect(await client.unschedule()).toBe('done');
      expect(await client.unschedule()).toBe('missing');
      expect(await client.fire(2_000, 3_000, [tick('2')])).toBe('missing');
      expect(await queueClient(backend.queue, 'a').claim(5)).toEqual(['1']);
    });

    add('one of many that fire a tick wins, and its jobs alone are pushed', async ({ kit, backend }) => {
      const { queue } = backend;
      const other = (await kit.open()).queue;
      await scheduleClient(queue).schedule(1_000);
      const fires = Array.from({ length: 20 }, (_, n) =>
        scheduleClient(n % 2 ? queue : other).fire(1_000, 2_000, [tick(`${n}-a`), tick(`${n}-b`)], 1_000),
      );
      const answers = await Promise.all(fires);
      expect(answers.filter((one) => one === 'done')).toHaveLength(1);
      expect(answers.filter((one) => one === 'refused')).toHaveLength(19);
      const winner = answers.indexOf('done');
      expect(await queueClient(queue, 'a').claim(50)).toEqual([`${winner}-a`, `${winner}-b`]);
      expect(await scheduleClient(queue).record()).toMatchObject({ nextAt: 2_000, lastAt: 1_000 });
    });

    add('a tick is not fired before its time on the clock of the store', async ({ kit, backend }) => {
      const client = scheduleClient(backend.queue);
      const { now } = await look(backend.queue);
      await client.schedule(now + 150);
      expect(await client.fire(now + 150, null, [tick('1')])).toBe('refused');
      const swept = await queueClient(backend.queue, 'a').sweep();
      expect(swept.scheduleInMs).toBeGreaterThan(0);
      expect(swept.scheduleInMs).toBeLessThanOrEqual(150);
      await kit.pass(160);
      expect(await queueClient(backend.queue, 'a').sweep()).toMatchObject({ scheduleInMs: 0 });
      expect(await client.fire(now + 150, null, [tick('1')])).toBe('done');
      expect(await queueClient(backend.queue, 'a').sweep()).toMatchObject({ scheduleInMs: null });
      expect(await client.list()).toEqual([]);
    });

    add('the jobs of a tick are pushed as any: known ids, held keys, priority and delay', async ({ backend }) => {
      const client = scheduleClient(backend.queue);
      const worker = queueClient(backend.queue, 'a');
      await worker.push({ id: 'known' }, { id: 'holder', dedupeKey: 'k' });
      await client.schedule(1_000);
      const jobs = [
        tick('known'),
        tick('held', { dedupeKey: 'k' }),
        tick('late', { delayMs: HOUR }),
        tick('top', { priority: 5 }),
        tick('plain', { body: '{"n":1.0}' }),
      ];
      expect(await client.fire(1_000, 2_000, jobs)).toBe('done');
      expect(await client.record()).toMatchObject({ nextAt: 2_000, lastAt: null });
      expect(await worker.list('delayed')).toEqual(['late']);
      expect(await worker.claim(9)).toEqual(['top', 'known', 'holder', 'plain']);
      expect(await worker.job('plain')).toMatchObject({ body: '{"n":1.0}' });
      // Without a job: a tick that is skipped.
      expect(await client.fire(2_000, 3_000)).toBe('done');
      expect(await worker.claim(9)).toEqual([]);
    });

    add('a fired tick wakes a waiter', async ({ kit, backend }) => {
      const client = scheduleClient(backend.queue);
      await client.schedule(1_000);
      let woken = false;
      const waited = (await kit.open()).queue.wait(['work'], AbortSignal.timeout(15_000)).then(() => (woken = true));
      await client.fire(1_000, 2_000, [tick('1')]);
      await kit.eventually('the waiter wakes', () => woken);
      await waited;
    });

    add('a paused queue fires on, and gives the jobs away when it is resumed', async ({ backend }) => {
      const client = scheduleClient(backend.queue);
      await client.schedule(1_000);
      await backend.queue.amend('work', { do: 'pause' });
      expect(await queueClient(backend.queue, 'a').sweep()).toMatchObject({ scheduleInMs: 0 });
      expect(await client.fire(1_000, 2_000, [tick('1')])).toBe('done');
      expect(await queueClient(backend.queue, 'a').claim(5)).toEqual([]);
      await backend.queue.amend('work', { do: 'resume' });
      expect(await queueClient(backend.queue, 'a').claim(5)).toEqual(['1']);
    });

    add('a queue with a schedule is listed, without a job as well, and leaves the list without it', async (test) => {
      const { queue } = test.backend;
      const client = scheduleClient(queue);
      const worker = queueClient(queue, 'a');
      await client.schedule(1_000);
      expect(await listedQueues(queue)).toEqual(['work']);
      await test.kit.pass(60);
      await worker.sweep({ idleMs: 50 });
      expect(await listedQueues(queue)).toEqual(['work']);
      expect(await client.fire(1_000, 2_000, [tick('1')])).toBe('done');
      await worker.claim(1);
      await worker.exchange({ settled: [completed('1')], retention: { ...KEEP, completed: { count: 0, ms: 0 } } });
      await test.kit.pass(60);
      expect(await worker.sweep({ idleMs: 50 })).toMatchObject({ scheduleInMs: 0 });
      expect(await listedQueues(queue)).toEqual(['work']);
      expect(await client.fire(2_000, 3_000, [tick('2')])).toBe('done');
      await queue.amend('work', { do: 'remove', id: '2' });
      await client.unschedule();
      await test.kit.pass(60);
      await worker.sweep({ idleMs: 50 });
      expect(await listedQueues(queue)).toEqual([]);
    });

    add('schedules of a queue come in pages, the next due first, and have a bound', async ({ backend }) => {
      const { queue } = backend;
      const ids = Array.from({ length: MAX_SCHEDULES }, (_, n) => `s${String(n).padStart(4, '0')}`);
      await Promise.all(ids.map((id, n) => scheduleClient(queue, id).schedule(10_000 - (n % 10))));
      await scheduleClient(queue, 'elsewhere', 'other').schedule(1);
      const full = scheduleClient(queue, 'full');
      await expect(full.schedule(1)).rejects.toMatchObject({ code: 'CONFLICT', retryable: false });
      await scheduleClient(queue, 's0000').schedule(1, { timing: '"first"' });
      const seen: ScheduleRecord[] = [];
      let cursor: string | null = null;
      do {
        const page = await queue.inspect({ of: 'schedules', queue: 'work', cursor, limit: 300 });
        expect(page.schedules?.list.length).toBeLessThanOrEqual(300);
        seen.push(...(page.schedules?.list ?? []));
        cursor = page.cursor;
      } while (cursor !== null && seen.length <= MAX_SCHEDULES);
      const order = seen.toSorted((a, b) => a.nextAt - b.nextAt || (a.id < b.id ? -1 : 1));
      expect(seen.map(({ id }) => id)).toEqual(order.map(({ id }) => id));
      expect(seen.map(({ id }) => id).sort()).toEqual(ids);
      expect(seen[0]).toMatchObject({ id: 's0000', nextAt: 1 });
      const nothing = await queue.inspect({ of: 'schedules', queue: 'work', cursor: null, limit: 0 });
      expect(nothing.schedules?.list).toEqual([]);
      await scheduleClient(queue, 's0001').unschedule();
      expect(await full.schedule(1)).toBe('done');
    });
  });
}
