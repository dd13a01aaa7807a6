import { expect } from 'vitest';
import { eventually } from '../systems.ts';
import type { Case } from './case.ts';
import type { Question } from './talk.ts';

interface Schedule {
  readonly id: string;
  readonly nextAt: string;
  readonly lastAt: string | null;
}

const put = (
  queue: string,
  id: string,
  schedule: { name: string; data: unknown } & Record<string, unknown>,
): Question => ({
  rest: ['PUT', `/api/queues/${queue}/schedules/${id}`, schedule],
  trpc: (client) => client.schedules.put.mutate({ queue, id, ...schedule }),
});
const remove = (queue: string, id: string): Question => ({
  rest: ['DELETE', `/api/queues/${queue}/schedules/${id}`],
  trpc: (client) => client.schedules.delete.mutate({ queue, id }),
});
const list = (queue: string): Question => ({
  rest: ['GET', `/api/queues/${queue}/schedules`],
  trpc: (client) => client.schedules.list.query({ queue }),
});

export const scheduleCases: readonly Case[] = [
  {
    title: 'a schedule is kept as it was put; put again it changes nothing, and it is gone once',
    async play({ ask, poll, run }) {
      const queue = `e2e-${run}-cron`;
      const window = { startAt: '2090-01-01T00:00:00.000Z', endAt: '2090-01-31T00:00:00.000Z' };
      const report = {
        name: 'echo',
        data: { n: [1, null, 'ü'] },
        cron: '0 9 * * 1-5',
        timeZone: 'Europe/Rome',
        ...window,
      };
      const more = { missed: 'all', priority: 5, attempts: 2, dedupeKey: 'report', group: 'europe' };
      expect((await ask(put(queue, 'report', { ...report, ...more }))).value).toEqual({ outcome: 'done' });
      await ask(put(queue, 'hourly', { name: 'echo', data: null, everyMs: 3_600_000 }));
      const { value } = await ask<{ schedules: Schedule[]; cursor: string | null }>(list(queue));
      expect(value.cursor).toBeNull();
      const kept = { id: 'report', queue, ...report, ...more, nextAt: '2090-01-02T08:00:00.000Z', lastAt: null };
      expect(value.schedules.map(({ id }) => id)).toEqual(['hourly', 'report']);
      expect(value.schedules[1]).toEqual(kept);
      await ask(put(queue, 'report', { ...report, data: 2 }));
      const again = await poll<{ schedules: Schedule[] }>(list(queue));
      expect(again.value.schedules[1]).toMatchObject({ data: 2, missed: 'once', nextAt: kept.nextAt });
      for (const id of ['report', 'hourly']) expect((await ask(remove(queue, id))).value).toEqual({ outcome: 'done' });
      expect(await ask(remove(queue, 'report'))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      expect((await ask(list(queue))).value).toEqual({ schedules: [], cursor: null });
    },
  },
  {
    title: 'a tick pushes its job, which tells its schedule',
    async play({ poll, ask, run }) {
      const queue = `e2e-${run}-tick`;
      await ask(put(queue, 'every-second', { name: 'echo', data: 'tick', everyMs: 1_000 }));
      const completed: Question = {
        rest: ['GET', `/api/queues/${queue}/jobs?state=completed`],
        trpc: (client) => client.queues.jobs.query({ queue, state: 'completed' }),
      };
      const { value } = await eventually(
        () => poll<{ jobs: { id: string; result: unknown; schedule: { id: string; at: string } }[] }>(completed),
        (answer) => answer.code === 'OK' && answer.value.jobs.length >= 2,
      );
      const [job] = value.jobs;
      const at = Date.parse(job?.schedule.at ?? '');
      expect(at % 1_000).toBe(0);
      expect(job).toMatchObject({
        id: `${queue}:every-second@${at}`,
        result: 'tick',
        schedule: { id: 'every-second' },
      });
      expect(new Set(value.jobs.map(({ id }) => id)).size).toBe(value.jobs.length);
      const [schedule] = (await poll<{ schedules: Schedule[] }>(list(queue))).value.schedules;
      expect(Date.parse(schedule?.lastAt ?? '')).toBeGreaterThanOrEqual(at);
      await ask(remove(queue, 'every-second'));
    },
  },
  {
    title: 'what cannot be a schedule is refused, and the field is named',
    async play({ ask, run }) {
      const queue = `e2e-${run}-cron`;
      const refused = async (schedule: Record<string, unknown>, id = 'bad') =>
        ask(put(queue, id, { name: 'echo', data: 1, ...schedule }));
      for (const [field, schedule] of [
        ['cron', { cron: '61 * * * *' }],
        ['cron', { cron: 'nonsense' }],
        ['timeZone', { cron: '* * * * *', timeZone: 'Europe/Atlantis' }],
        ['cron, everyMs', {}],
        ['cron, everyMs', { cron: '* * * * *', everyMs: 1_000 }],
        ['endAt', { everyMs: 1_000, startAt: '2090-01-02T00:00:00Z', endAt: '2090-01-01T00:00:00Z' }],
      ] as const) {
        const answer = await refused(schedule);
        expect(answer).toMatchObject({ code: 'INVALID', status: 400 });
        expect(answer.message).toContain(field);
      }
      for (const [field, value] of [
        ['everyMs', 999],
        ['startAt', 'tomorrow'],
        ['missed', 'never'],
        ['priority', 1_001],
      ] as const) {
        expect(await refused({ everyMs: 1_000, [field]: value })).toMatchObject({ code: 'INVALID', issues: [field] });
      }
      expect(await refused({ everyMs: 1_000, name: 'nobody-knows' })).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      expect(await refused({ everyMs: 1_000 }, 'no%20name')).toMatchObject({ code: 'INVALID', status: 400 });
      expect((await ask(list(queue))).value).toEqual({ schedules: [], cursor: null });
    },
  },
];
