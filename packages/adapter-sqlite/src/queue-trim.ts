import type { Retention } from '@portolan/core';
import type { Engine } from './engine.ts';
import { forgetKin } from './queue-kin.ts';
import { forgetLogs } from './queue-log.ts';
import { FINISHED, type FinishedState, type QueueState, STEP } from './queue-state.ts';

/** A settle lets the number be exceeded by this part of it, by as many as it forgets at most: to forget touches about a dozen pages, few or many. */
const SLACK = 1 / 4;

const OLDEST =
  'SELECT number, finished_at, jobs FROM job_batch WHERE queue = ? AND state = ? ORDER BY finished_at, number';
const KEEP = 'UPDATE job_batch SET jobs = ? WHERE number = ?';
const LISTED = 'IN (SELECT value FROM json_each(?))';
const DROP_BATCHES = `DELETE FROM job_batch WHERE number ${LISTED}`;
const DROP_HOLES = `DELETE FROM job_line WHERE hole = 1 AND (queue, rank, place) IN
  (SELECT queue, -priority, place FROM job WHERE number ${LISTED} AND place IS NOT NULL)`;
/** By a list of numbers, and by their range: twice as fast. */
const DROP_JOBS = [`DELETE FROM job WHERE number ${LISTED}`, 'DELETE FROM job WHERE number BETWEEN ? AND ?'] as const;
const DROP_ENDS = [`DELETE FROM job_end WHERE job ${LISTED}`, 'DELETE FROM job_end WHERE job BETWEEN ? AND ?'] as const;

const boundOf = (retention: Retention, state: FinishedState) =>
  state === 'completed' ? retention.completed : retention.failed;

/** After a settle: forgets the oldest jobs that are too many, at most 500 of each state. */
export function trimNumber(state: QueueState, retention: Retention): void {
  for (const one of FINISHED) {
    const { count } = boundOf(retention, one);
    const over = state.row[one] - count;
    if (over > Math.min(count * SLACK, STEP)) forgetOldest(state, one, over, Number.NEGATIVE_INFINITY);
  }
}

/** Forgets the oldest jobs that are too many or too old, at most 500 of each state; true when that may have left some. */
export function trim(state: QueueState, retention: Retention): boolean {
  let more = false;
  for (const one of FINISHED) {
    const { count, ms } = boundOf(retention, one);
    if (state.row[one] === 0) continue;
    if (forgetOldest(state, one, state.row[one] - count, state.now - ms) === STEP) more = true;
  }
  return more;
}

/** Forgets the `over` oldest, and what finished up to `outdated`. Answers how many. */
function forgetOldest(queue: QueueState, state: FinishedState, over: number, outdated: number): number {
  const { engine, row } = queue;
  const gone: number[] = [];
  const emptied: number[] = [];
  let cut: { readonly number: number; readonly jobs: readonly number[] } | undefined;
  for (const batch of engine.sql(OLDEST).iterate(row.number, FINISHED.indexOf(state))) {
    const jobs: number[] = JSON.parse(String(batch.jobs));
    const wanted = Number(batch.finished_at) <= outdated ? jobs.length : Math.min(over - gone.length, jobs.length);
    const count = Math.min(wanted, STEP - gone.length);
    if (count <= 0) break;
    gone.push(...jobs.slice(0, count));
    if (count < jobs.length) {
      cut = { number: Number(batch.number), jobs: jobs.slice(count) };
      break;
    }
    emptied.push(Number(batch.number));
  }
  if (gone.length === 0) return 0;
  if (state === 'cancelled') engine.sql(DROP_HOLES).run(JSON.stringify(gone));
  forgetKin(queue, gone);
  drop(engine, DROP_JOBS, gone);
  drop(engine, DROP_ENDS, gone);
  forgetLogs(engine, gone);
  if (cut) engine.sql(KEEP).run(JSON.stringify(cut.jobs), cut.number);
  if (emptied.length > 0) engine.sql(DROP_BATCHES).run(JSON.stringify(emptied));
  row[state] -= gone.length;
  return gone.length;
}

/** Jobs that finish as they were pushed have numbers without a gap. */
function drop(engine: Engine, [list, range]: readonly [string, string], numbers: readonly number[]): void {
  const first = Math.min(...numbers);
  const last = Math.max(...numbers);
  if (last - first + 1 === numbers.length) engine.sql(range).run(first, last);
  else engine.sql(list).run(JSON.stringify(numbers));
}
