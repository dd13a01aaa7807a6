import type { SQLInputValue } from 'node:sqlite';
import { InsertMany } from './insert-many.ts';
import { owe } from './queue-kin.ts';
import { FINISHED, type FinishedState, type Job, type QueueState } from './queue-state.ts';

/** How one job finished. */
export interface End {
  readonly number: number;
  readonly startedAt: number | null;
  readonly result: string | null;
}

const BATCH = 'INSERT INTO job_batch (queue, state, finished_at, jobs) VALUES (?, ?, ?, ?)';
const ENDS = new InsertMany('job_end (job, batch, started_at, result)');
const UNUSUAL = `SELECT EXISTS (SELECT 1 FROM job WHERE queue = ?1 AND asked = 1)
  OR EXISTS (SELECT 1 FROM job WHERE queue = ?1 AND dedupe_key IS NOT NULL) AS found`;
const RELEASE = `UPDATE job SET dedupe_key = NULL, asked = 0
  WHERE number IN (SELECT value FROM json_each(?)) AND (dedupe_key IS NOT NULL OR asked = 1)`;
const REVIVE = 'DELETE FROM job_end WHERE job = ? RETURNING batch';
const JOBS = 'SELECT jobs FROM job_batch WHERE number = ?';
const KEEP = 'UPDATE job_batch SET jobs = ? WHERE number = ?';
const DROP = 'DELETE FROM job_batch WHERE number = ?';

/** Jobs that stand nowhere have finished alike. */
export function end(state: QueueState, outcome: FinishedState, ends: readonly End[], finishedAt = state.now): void {
  if (ends.length === 0) return;
  const { engine, row } = state;
  const numbers = JSON.stringify(ends.map(({ number }) => number));
  const batch = engine.sql(BATCH).run(row.number, FINISHED.indexOf(outcome), finishedAt, numbers).lastInsertRowid;
  const values: SQLInputValue[] = [];
  for (const { number, startedAt, result } of ends) values.push(number, batch, startedAt, result);
  ENDS.run(engine, values);
  row[outcome] += ends.length;
  // Their dedupe keys are free, and who asked to cancel them is forgotten; mostly there is nothing of the kind in the whole queue.
  if (engine.sql(UNUSUAL).get(row.number)?.found === 1) engine.sql(RELEASE).run(numbers);
}

/** A job that stands nowhere has finished without a result. */
export function finish(state: QueueState, job: Job, outcome: 'failed' | 'cancelled'): void {
  state.update(job);
  owe(state, job.number, outcome, null);
  end(state, outcome, [{ number: job.number, startedAt: job.started_at, result: null }]);
}

/** A finished job stands nowhere again. */
export function revive({ engine, row }: QueueState, job: Job, from: FinishedState): void {
  const batch = Number(engine.sql(REVIVE).get(job.number)?.batch);
  const jobs: number[] = JSON.parse(String(engine.sql(JOBS).get(batch)?.jobs));
  const others = jobs.filter((number) => number !== job.number);
  if (others.length > 0) engine.sql(KEEP).run(JSON.stringify(others), batch);
  else engine.sql(DROP).run(batch);
  row[from] -= 1;
}
