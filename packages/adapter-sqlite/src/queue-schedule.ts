import {
  type Amended,
  MAX_SCHEDULES,
  type NewJob,
  type QueueInspected,
  type ScheduleAmendment,
  type ScheduleRecord,
  tooManySchedules,
} from '@portolan/core';
import type { Engine } from './engine.ts';
import { list } from './queue-list.ts';
import type { QueueState } from './queue-state.ts';
import { fromColumn, toColumn } from './text.ts';

export const SCHEDULE_COLUMNS = 'id, timing, template, next_at, last_at';

const FIND = `SELECT ${SCHEDULE_COLUMNS} FROM queue_schedule WHERE queue = ? AND id = ?`;
const NEXT = 'SELECT min(next_at) AS due FROM queue_schedule WHERE queue = ?';
const PAGE = `SELECT ${SCHEDULE_COLUMNS} FROM queue_schedule WHERE queue = ? ORDER BY next_at, id LIMIT ? OFFSET ?`;
const PUT = `INSERT INTO queue_schedule (queue, ${SCHEDULE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (queue, id) DO UPDATE SET timing = excluded.timing, template = excluded.template, next_at = excluded.next_at`;
const MOVE = 'UPDATE queue_schedule SET next_at = ?, last_at = coalesce(?, last_at) WHERE queue = ? AND id = ?';
const RENEW = 'UPDATE queue_schedule SET template = ? WHERE queue = ? AND id = ?';
const REMOVE = 'DELETE FROM queue_schedule WHERE queue = ? AND id = ?';
/** Apart from the queue's other counts, so that what moves jobs does not write it. */
const COUNT = 'UPDATE queue SET schedules = ? WHERE number = ?';

/** `push` adds jobs and wakes who waits for them. */
export function amendSchedule(
  state: QueueState,
  amendment: ScheduleAmendment,
  push: (jobs: readonly NewJob[]) => void,
): Amended {
  const { engine, row, now } = state;
  const known = find(state, amendment.id);
  switch (amendment.do) {
    case 'schedule': {
      const nextAt = known?.timing === amendment.timing ? known.nextAt : amendment.nextAt;
      if (nextAt === null) return remove(state, known);
      list(state);
      put(state, known, { ...amendment, nextAt, lastAt: null });
      return 'done';
    }
    case 'unschedule':
      return remove(state, known);
    case 'fire': {
      if (!known) return 'missing';
      if (known.nextAt !== amendment.at || known.nextAt > now) return 'refused';
      const { nextAt, lastAt, jobs, renew } = amendment;
      push(jobs);
      if (nextAt === null) remove(state, known);
      else engine.sql(MOVE).run(nextAt, lastAt, row.number, known.id);
      if (renew?.from === known.template) engine.sql(RENEW).run(toColumn(renew.to), row.number, known.id);
      return 'done';
    }
  }
}

/** Puts in a schedule of another store, unless it is here. */
export function loadSchedule(state: QueueState, schedule: ScheduleRecord): void {
  if (!find(state, schedule.id)) put(state, undefined, schedule);
}

export function scheduleInMs({ engine, row, now }: QueueState): number | null {
  if (row.schedules === 0) return null;
  return Math.max(Number(engine.sql(NEXT).get(row.number)?.due) - now, 0);
}

export function inspectSchedules(
  engine: Engine,
  queue: number,
  now: number,
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): QueueInspected {
  const from = Number(cursor ?? 0);
  // One more, to know whether there is a next page.
  const rows = engine.sql(PAGE).all(queue, limit + 1, from);
  const schedules = { now, list: rows.slice(0, limit).map(toSchedule) };
  return { queues: [], jobs: [], cursor: rows.length > limit ? String(from + limit) : null, schedules };
}

export function toSchedule(row: Record<string, unknown>): ScheduleRecord {
  return {
    id: String(row.id),
    timing: fromColumn(row.timing),
    template: fromColumn(row.template),
    nextAt: Number(row.next_at),
    lastAt: row.last_at === null ? null : Number(row.last_at),
  };
}

function find({ engine, row }: QueueState, id: string): ScheduleRecord | undefined {
  const found = row.schedules === 0 ? undefined : engine.sql(FIND).get(row.number, id);
  return found && toSchedule(found);
}

function put(state: QueueState, known: ScheduleRecord | undefined, schedule: ScheduleRecord): void {
  const { engine, row } = state;
  const { id, timing, template, nextAt, lastAt } = schedule;
  if (!known) {
    if (row.schedules >= MAX_SCHEDULES) throw tooManySchedules(row.name);
    count(state, 1);
  } else if (known.timing === timing && known.template === template) return;
  engine.sql(PUT).run(row.number, id, toColumn(timing), toColumn(template), nextAt, lastAt);
}

function remove(state: QueueState, known: ScheduleRecord | undefined): Amended {
  if (!known) return 'missing';
  state.engine.sql(REMOVE).run(state.row.number, known.id);
  count(state, -1);
  return 'done';
}

function count({ engine, row }: QueueState, more: 1 | -1): void {
  row.schedules += more;
  engine.sql(COUNT).run(row.schedules, row.number);
}
