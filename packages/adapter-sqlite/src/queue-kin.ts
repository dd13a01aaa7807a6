import type { OwedPart } from '@portolan/core';
import type { QueueState } from './queue-state.ts';

const ADD = 'INSERT INTO job_kin (job, parent, awaits) VALUES (?, ?, ?)';
const PARENT = 'SELECT parent FROM job_kin WHERE job = ? AND parent IS NOT NULL';
const JOB = 'SELECT id, error FROM job WHERE number = ?';
const OWE = `INSERT INTO job_owed (queue, id, turn, parent, state, due_at, text) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (queue, id) DO UPDATE SET turn = excluded.turn, parent = excluded.parent, state = excluded.state, due_at = excluded.due_at,
    missed_at = NULL, text = excluded.text`;
const KNOWN = 'SELECT 1 FROM job_owed WHERE queue = ? AND id = ?';
const LISTED = 'IN (SELECT value FROM json_each(?))';
const FORGET_PARTS = `DELETE FROM job_part WHERE job ${LISTED}`;
const FORGET = `DELETE FROM job_kin WHERE job ${LISTED}`;
const DUE = 'SELECT 1 FROM job_owed WHERE queue = ? AND due_at <= ? LIMIT 1';

/** Notes what there is of a parent and of awaited parts; few jobs have either. */
export function addKin(
  { engine, row }: QueueState,
  job: number | bigint,
  parent: string | null,
  awaits: number | null,
): void {
  if (parent === null && awaits === null) return;
  engine.sql(ADD).run(job, parent, awaits);
  row.kin += 1;
}

/** A job that has finished owes that to its parent, if it has one. Turns are microseconds of the store's clock, so that they go on where they were though the queue's row is lost. */
export function owe(
  { engine, row, now }: QueueState,
  job: number,
  state: OwedPart['state'],
  result: string | null,
): void {
  if (row.kin === 0) return;
  const parent = engine.sql(PARENT).get(job)?.parent;
  if (parent === undefined) return;
  const { id, error } = engine.sql(JOB).get(job) as { id: string; error: string | null };
  row.turn = Math.max(now * 1_000, row.turn + 1);
  if (!engine.sql(KNOWN).get(row.number, id)) row.owed += 1;
  engine.sql(OWE).run(row.number, id, row.turn, parent as string, state, now, state === 'completed' ? result : error);
}

/** Is anything owed that is not put off? */
export function owes({ engine, row, now }: QueueState): boolean {
  return row.owed > 0 && engine.sql(DUE).get(row.number, now) !== undefined;
}

export function forgetKin({ engine, row }: QueueState, jobs: readonly number[]): void {
  if (row.kin === 0) return;
  const numbers = JSON.stringify(jobs);
  engine.sql(FORGET_PARTS).run(numbers);
  row.kin -= Number(engine.sql(FORGET).run(numbers).changes);
}
