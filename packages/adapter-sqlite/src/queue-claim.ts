import { afterStarts, claimWithin, encodeQueueLimits, type QueueLimits, restsUntil, roomWithin } from '@portolan/core';
import type { Engine } from './engine.ts';
import { readyGroups } from './queue-groups.ts';
import { type Claim, claim, LimitedLine } from './queue-line.ts';
import type { Held } from './queue-session.ts';
import type { QueueState } from './queue-state.ts';

const LIMIT = 'UPDATE queue SET limits = ? WHERE number = ?';

/** What of a queue's row tells how many jobs may be claimed. */
export interface Claimable {
  readonly number: number;
  readonly paused: number;
  readonly limits: QueueLimits | null;
  readonly begun_at: number | null;
  readonly used: number;
  readonly waiting: number;
  readonly aside: number;
  readonly active: number;
}

/** Leases up to `limit` jobs to the session that holds `held`, as far as the queue's limits allow. */
export function claimSome(state: QueueState, held: Held, limit: number): Claim {
  const { row, now } = state;
  if (!isLimited(row)) return row.paused ? { jobs: [], finished: true } : claim(state, held, limit);
  state.groups.endWindows();
  if (row.paused) return { jobs: [], finished: true };
  const line = new LimitedLine(state, held);
  const finished = claimWithin(line, Math.min(limit, roomOf(row, now)));
  const jobs = line.end();
  const rate = row.limits?.rate;
  if (rate && jobs.length > 0) {
    const { begunAt, used } = afterStarts(rate, loadOf(row), jobs.length, now);
    Object.assign(row, { begun_at: begunAt, used });
  }
  return { jobs, finished: finished && !line.cutShort };
}

export function limit({ engine, row, groups }: QueueState, limits: QueueLimits | null): void {
  row.limits = limits;
  engine.sql(LIMIT).run(limits && encodeQueueLimits(limits), row.number);
  if (!limits?.rate) Object.assign(row, { begun_at: null, used: 0 });
  groups.limit();
}

export const isLimited = ({ limits, aside }: Pick<Claimable, 'limits' | 'aside'>): boolean =>
  limits !== null || aside > 0;

/** About how many jobs might be claimed, as far as can be told without a claim. */
export function claimable(engine: Engine, row: Claimable, now: number): number {
  if (row.paused === 1) return 0;
  return isLimited(row) ? Math.min(candidates(engine, row), roomOf(row, now)) : row.waiting;
}

/** ms until something may be claimed that cannot be now: the next delayed job is due, or a window ends for which jobs wait. */
export function dueInMs(state: QueueState): number | null {
  const delayed = state.dueInMs();
  const { engine, row, now } = state;
  if (!isLimited(row)) return delayed;
  const waits = row.limits?.rate && row.paused === 0 && candidates(engine, row) > 0;
  const ends = [waits && row.limits ? restsUntil(row.limits, loadOf(row), now) : null, state.groups.nextEnd()];
  const all = [delayed, ...ends.map((at) => at && Math.max(0, at - now))].filter((ms) => ms !== null);
  return all.length === 0 ? null : Math.min(...all);
}

/** Jobs in the line, and groups that may have room for one aside. */
function candidates(engine: Engine, { number, waiting, aside }: Claimable): number {
  return waiting - aside + (aside > 0 ? readyGroups(engine, number) : 0);
}

const loadOf = ({ active, begun_at: begunAt, used }: Claimable) => ({ active, begunAt, used });

function roomOf(row: Claimable, now: number): number {
  return row.limits ? roomWithin(row.limits, loadOf(row), now) : Number.POSITIVE_INFINITY;
}
