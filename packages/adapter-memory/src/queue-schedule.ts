import {
  type Amended,
  MAX_SCHEDULES,
  type QueueInspected,
  type ScheduleAmendment,
  type ScheduleRecord,
  type TransferredSchedule,
  tooManySchedules,
} from '@portolan/core';
import type { QueueState } from './queue-state.ts';

/** What a change to a schedule needs of its queue. */
interface ScheduledQueue {
  readonly name: string;
  readonly state: QueueState;
  readonly now: number;
  list(): void;
  push(jobs: Extract<ScheduleAmendment, { readonly do: 'fire' }>['jobs']): void;
}

export function amendSchedule(queue: ScheduledQueue, amendment: ScheduleAmendment): Amended {
  const { schedules } = queue.state;
  const known = schedules.get(amendment.id);
  switch (amendment.do) {
    case 'schedule': {
      const { id, timing, template } = amendment;
      const nextAt = known?.timing === timing ? known.nextAt : amendment.nextAt;
      if (nextAt === null) return schedules.delete(id) ? 'done' : 'missing';
      if (!known && schedules.size >= MAX_SCHEDULES) throw tooManySchedules(queue.name);
      queue.list();
      schedules.set(id, { id, timing, template, nextAt, lastAt: known?.lastAt ?? null });
      return 'done';
    }
    case 'unschedule':
      return schedules.delete(amendment.id) ? 'done' : 'missing';
    case 'fire': {
      if (!known) return 'missing';
      if (known.nextAt !== amendment.at || known.nextAt > queue.now) return 'refused';
      const { nextAt, lastAt, jobs, renew } = amendment;
      queue.push(jobs);
      const template = renew?.from === known.template ? renew.to : known.template;
      if (nextAt === null) schedules.delete(known.id);
      else schedules.set(known.id, { ...known, template, nextAt, lastAt: lastAt ?? known.lastAt });
      return 'done';
    }
  }
}

/** The next due first, then by id. */
function inOrder({ schedules }: QueueState): ScheduleRecord[] {
  return [...schedules.values()].sort((a, b) => a.nextAt - b.nextAt || (a.id < b.id ? -1 : 1));
}

export function scheduleInMs(state: QueueState, now: number): number | null {
  const [next] = inOrder(state);
  return next ? Math.max(next.nextAt - now, 0) : null;
}

export function inspectSchedules(
  state: QueueState,
  now: number,
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): QueueInspected {
  const from = Number(cursor ?? 0);
  const all = inOrder(state);
  const end = from + limit;
  const schedules = { now, list: all.slice(from, end) };
  return { queues: [], jobs: [], cursor: end < all.length ? String(end) : null, schedules };
}

/** Puts in a schedule of another store, unless it is here. */
export function loadSchedule({ schedules }: QueueState, { of: _, queue, ...schedule }: TransferredSchedule): void {
  if (schedules.has(schedule.id)) return;
  if (schedules.size >= MAX_SCHEDULES) throw tooManySchedules(queue);
  schedules.set(schedule.id, schedule);
}
