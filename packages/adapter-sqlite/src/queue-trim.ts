import type { Retention } from '@portolan/core';
import { FINISHED, type FinishedState, type QueueState, STEP } from './queue-state.ts';

/** A settle lets the number be exceeded by so much of it, so that it need not trim each time. */
const SLACK = 1 / 16;

const OLDEST = 'SELECT job FROM job_end WHERE queue = ? AND state = ? ORDER BY finished_at, job LIMIT ?';
const OUTDATED = `SELECT count(*) AS n FROM
  (SELECT 1 FROM job_end WHERE queue = ? AND state = ? AND finished_at <= ? LIMIT ${STEP})`;
const HOLES = `DELETE FROM job_line WHERE hole = 1 AND (queue, rank, place) IN
  (SELECT queue, -priority, place FROM job WHERE number IN (${OLDEST}) AND place IS NOT NULL)`;
const JOBS = `DELETE FROM job WHERE number IN (${OLDEST})`;
const ENDS = `DELETE FROM job_end WHERE job IN (${OLDEST})`;

const boundOf = (retention: Retention, state: FinishedState) =>
  state === 'completed' ? retention.completed : retention.failed;

/** After a settle: forgets the oldest jobs that are too many, at most 500 of each state. */
export function trimNumber(state: QueueState, retention: Retention): void {
  for (const one of FINISHED) {
    const { count } = boundOf(retention, one);
    const over = state.row[one] - count;
    if (over > count * SLACK) forget(state, one, Math.min(over, STEP));
  }
}

/** Forgets the oldest jobs that are too many or too old, at most 500 of each state; true when that left some. */
export function trim(state: QueueState, retention: Retention): boolean {
  let more = false;
  for (const one of FINISHED) {
    const { count, ms } = boundOf(retention, one);
    const { number } = state.row;
    if (state.row[one] === 0) continue;
    const outdated = Number(state.engine.sql(OUTDATED).get(number, FINISHED.indexOf(one), state.now - ms)?.n);
    const over = Math.min(Math.max(state.row[one] - count, outdated), STEP);
    forget(state, one, over);
    more ||= over === STEP;
  }
  return more;
}

function forget({ engine, row }: QueueState, state: FinishedState, count: number): void {
  if (count <= 0) return;
  const oldest = [row.number, FINISHED.indexOf(state), count] as const;
  if (state === 'cancelled') engine.sql(HOLES).run(...oldest);
  engine.sql(JOBS).run(...oldest);
  engine.sql(ENDS).run(...oldest);
  row[state] -= count;
}
