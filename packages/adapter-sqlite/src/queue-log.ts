import type { SQLInputValue } from 'node:sqlite';
import { type JobLogLine, MAX_LOG_LINES } from '@portolan/core';
import type { Engine } from './engine.ts';
import { InsertMany } from './insert-many.ts';
import { fromColumn, toColumn } from './text.ts';

const LAST = 'SELECT coalesce(max(number), 0) AS number FROM job_log WHERE job = ?';
const ADD = new InsertMany('job_log (job, number, at, line)');
const CUT = 'DELETE FROM job_log WHERE job = ? AND number <= ?';
const READ = 'SELECT at, line FROM job_log WHERE job = ? ORDER BY number';
const ANY = 'SELECT EXISTS (SELECT 1 FROM job_log) AS found';
const FORGET = 'DELETE FROM job_log WHERE job IN (SELECT value FROM json_each(?))';

/** Adds lines to a job's log, of which the last ones are kept. */
export function addLog(engine: Engine, job: number, lines: readonly JobLogLine[]): void {
  let number = Number(engine.sql(LAST).get(job)?.number);
  const values: SQLInputValue[] = [];
  for (const { at, line } of lines) values.push(job, ++number, at, toColumn(line));
  ADD.run(engine, values);
  engine.sql(CUT).run(job, number - MAX_LOG_LINES);
}

export function readLog(engine: Engine, job: number): JobLogLine[] {
  return engine
    .sql(READ)
    .all(job)
    .map(({ at, line }) => ({ at: Number(at), line: fromColumn(line) }));
}

/** Mostly no job has logged anything, which costs one look. */
export function forgetLogs(engine: Engine, jobs: readonly number[]): void {
  if (engine.sql(ANY).get()?.found === 1) engine.sql(FORGET).run(JSON.stringify(jobs));
}
