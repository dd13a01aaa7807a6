import { PortolanError, type Queue, type ScheduleStatus } from '@portolan/core';
import type { z } from 'zod';
import { definitionOf } from '../jobs/jobs.ts';
import type { listInput, putInput, ScheduleOutput } from './schema.ts';

export type SchedulesService = ReturnType<typeof createSchedulesService>;

const iso = (ms: number): string => new Date(ms).toISOString();

function present({ id, queue, name, data, missed, priority, attempts, ...schedule }: ScheduleStatus): ScheduleOutput {
  const { cron, timeZone, everyMs, startAt, endAt, dedupeKey, group, nextAt, lastAt, unknownKey } = schedule;
  return {
    id,
    queue,
    name,
    data,
    ...(cron === undefined ? {} : { cron }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(everyMs === undefined ? {} : { everyMs }),
    ...(startAt === undefined ? {} : { startAt: iso(startAt) }),
    ...(endAt === undefined ? {} : { endAt: iso(endAt) }),
    missed,
    priority,
    attempts,
    ...(dedupeKey === undefined ? {} : { dedupeKey }),
    ...(group === undefined ? {} : { group }),
    nextAt: iso(nextAt),
    lastAt: lastAt === null ? null : iso(lastAt),
    ...(unknownKey === undefined ? {} : { unknownKey }),
  };
}

/** Ticks that push jobs. */
export function createSchedulesService(queue: Queue) {
  return {
    async put({ queue: queueName, id, name, data, missed, ...told }: z.output<typeof putInput>) {
      const { priority, attempts, dedupeKey, group, startAt, endAt, ...timing } = told;
      await queue.schedule(definitionOf(name), data, {
        id,
        ...timing,
        ...(startAt === undefined ? {} : { startAt: Date.parse(startAt) }),
        ...(endAt === undefined ? {} : { endAt: Date.parse(endAt) }),
        ...(missed === undefined ? {} : { missed }),
        options: { queue: queueName, priority, attempts, dedupeKey, group },
      });
      return { outcome: 'done' as const };
    },
    async delete(queueName: string, id: string) {
      if (await queue.unschedule(queueName, id)) return { outcome: 'done' as const };
      throw new PortolanError('NOT_FOUND', `queue ${queueName} has no schedule ${id}`);
    },
    async list({ queue: queueName, cursor, limit }: z.output<typeof listInput>) {
      const page = await queue.schedules(queueName, { cursor: cursor ?? null, limit: limit ?? 50 });
      return { schedules: page.schedules.map(present), cursor: page.cursor };
    },
  };
}
