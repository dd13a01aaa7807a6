import {
  type Amended,
  MAX_SCHEDULES,
  type QueueInspected,
  type ScheduleAmendment,
  type ScheduleRecord,
  tooManySchedules,
} from '@portolan/core';
import type { RedisArgument, RedisScript } from './connection.ts';
import { pushBatch } from './queue-push.ts';
import { DUMP_SCHEDULES, FIRE, LOAD_SCHEDULE, SCHEDULE, SCHEDULES, UNSCHEDULE } from './queue-scripts/schedule.ts';

/** Runs a script of one queue. */
export type RunScript = (script: RedisScript, args: readonly RedisArgument[]) => Promise<unknown>;

/** `list` puts the queue on the list of queues, before anything of it is stored. */
export async function amendSchedule(
  queue: string,
  amendment: ScheduleAmendment,
  run: RunScript,
  list: () => Promise<void>,
): Promise<Amended> {
  const { id } = amendment;
  if (amendment.do === 'unschedule') return (await run(UNSCHEDULE, [id])) as Amended;
  const nextAt = amendment.nextAt ?? '';
  if (amendment.do === 'schedule') {
    if (nextAt !== '') await list();
    const answer = await run(SCHEDULE, [id, amendment.timing, amendment.template, nextAt, MAX_SCHEDULES]);
    if (answer === 'full') throw tooManySchedules(queue);
    return answer as Amended;
  }
  const { at, lastAt, jobs, renew } = amendment;
  const head = [id, at, nextAt, lastAt ?? '', renew?.from ?? '', renew?.to ?? ''];
  const fire = (listed: 0 | 1) => run(FIRE, [...head, ...(jobs.length === 0 ? [] : [listed, ...pushBatch(jobs).args])]);
  const answer = await fire(0);
  if (answer) return answer as Amended;
  await list();
  return (await fire(1)) as Amended;
}

export async function inspectSchedules(
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
  run: RunScript,
): Promise<QueueInspected> {
  const [now, next, ...flat] = (await run(SCHEDULES, [Number(cursor ?? 0), limit])) as (string | number)[];
  return {
    queues: [],
    jobs: [],
    cursor: Number(next) < 0 ? null : String(next),
    schedules: { now: Number(now), list: toSchedules(flat) },
  };
}

/** Those of these ids that are there. */
export async function readSchedules(ids: readonly string[], run: RunScript): Promise<ScheduleRecord[]> {
  return ids.length === 0 ? [] : toSchedules((await run(DUMP_SCHEDULES, ids)) as (string | number)[]);
}

/** Puts in a schedule of another store, unless it is here. */
export async function loadSchedule(queue: string, schedule: ScheduleRecord, run: RunScript): Promise<void> {
  const { id, timing, template, nextAt, lastAt } = schedule;
  const loaded = await run(LOAD_SCHEDULE, [id, timing, template, nextAt, lastAt ?? '', MAX_SCHEDULES]);
  if (loaded === 0) throw tooManySchedules(queue);
}

function toSchedules(flat: readonly (string | number)[]): ScheduleRecord[] {
  const list: ScheduleRecord[] = [];
  for (let at = 0; at < flat.length; at += 5) {
    const [id, timing, template, nextAt, lastAt] = flat.slice(at, at + 5);
    list.push({
      id: String(id),
      timing: String(timing),
      template: String(template),
      nextAt: Number(nextAt),
      lastAt: lastAt === '' ? null : Number(lastAt),
    });
  }
  return list;
}
