import { PortolanError } from '@portolan/core';
import { holdsSomething, list } from './queue-list.ts';
import type { Step } from './queue-reconcile-walk.ts';
import type { QueueState } from './queue-state.ts';

/** Tables with rows of a job by its number. A number is given anew once no job has a higher one, so that what is left behind would become another's. */
export const STRAY_TABLES = ['job_end', 'job_kin', 'job_part', 'job_log'] as const;
/** Rows read at once. */
const ROWS = 1_000;

/** What is counted is read as a whole, once in a pass: the mark tells those statements from all others, which must not. */
export const COUNTS_ALL = '/* counts all */';

const PLACES = `${COUNTS_ALL} SELECT min(place) AS front, max(place) AS back FROM
  (SELECT place FROM job_line WHERE queue = ?1 UNION ALL SELECT place FROM job_aside WHERE queue = ?1)`;
const held =
  'SELECT coalesce(sum(json_array_length(held) / 3), 0) FROM job_session WHERE queue = ?1 AND expires_at IS NOT NULL';
const ended = (code: number): string =>
  `SELECT coalesce(sum(json_array_length(jobs)), 0) FROM job_batch WHERE queue = ?1 AND state = ${code}`;
const aside = 'SELECT count(*) FROM job_aside WHERE queue = ?1';
const SUMS = `${COUNTS_ALL} SELECT (SELECT count(*) FROM job_line WHERE queue = ?1 AND hole = 0) + (${aside}) AS waiting, (${aside}) AS aside,
  (SELECT count(*) FROM job WHERE queue = ?1 AND due_at IS NOT NULL) AS delayed, (${held}) AS active,
  (${ended(0)}) AS completed, (${ended(1)}) AS failed, (${ended(2)}) AS cancelled,
  (SELECT coalesce(sum(active), 0) FROM job_group WHERE queue = ?1) AS grouped,
  (SELECT count(*) FROM job_kin CROSS JOIN job ON number = job WHERE queue = ?1) AS kin,
  (SELECT count(*) FROM job_owed WHERE queue = ?1) AS owed`;
const SCHEDULES = `UPDATE queue SET schedules = (SELECT count(*) FROM queue_schedule WHERE queue = number)
  WHERE number = ? AND schedules <> (SELECT count(*) FROM queue_schedule WHERE queue = number)`;

/** No place is given twice. Before anything comes into the line. O(waiting), some 30 ms a million. */
export const reconcilePlaces: Step = (walk) => {
  const { engine, row } = walk.state;
  const { front, back } = engine.sql(PLACES).get(row.number) ?? {};
  if (front != null && Number(front) < row.front) {
    row.front = Number(front);
    walk.mend('sums');
  }
  if (back != null && Number(back) > row.back) {
    row.back = Number(back);
    walk.mend('sums');
  }
  return undefined;
};

/** Rows of jobs that are gone, of whatever queue. */
export function strayRows(table: (typeof STRAY_TABLES)[number]): Step {
  const rows = `SELECT ${table}.job AS job, job.number IS NULL AS stray FROM ${table} LEFT JOIN job ON job.number = ${table}.job
    WHERE ${table}.job > ? ORDER BY ${table}.job LIMIT ${ROWS}`;
  const drop = `DELETE FROM ${table} WHERE job IN (SELECT value FROM json_each(?))`;
  return (walk, at = [0]) => {
    const { engine } = walk.state;
    const found = engine.sql(rows).all(...at);
    const strays = new Set(found.filter(({ stray }) => stray === 1).map(({ job }) => Number(job)));
    walk.looked += found.length;
    walk.mend('strays', strays.size);
    if (strays.size > 0) engine.sql(drop).run(JSON.stringify([...strays]));
    return found.length === ROWS ? [Number(found.at(-1)?.job)] : undefined;
  };
}

/** The numbers in the queue's row. All at once, so that they agree: O(jobs), some 50 ms a million. */
export const reconcileSums: Step = (walk) => {
  const { state } = walk;
  const { engine, row } = state;
  const sums = engine.sql(SUMS).get(row.number) as Record<Sum, number>;
  for (const [name, sum] of Object.entries(sums) as [Sum, number][]) {
    if (row[name] === sum) continue;
    row[name] = sum;
    walk.mend('sums');
  }
  const rescheduled = engine.sql(SCHEDULES).run(row.number).changes === 1;
  if (rescheduled) walk.mend('sums');
  if (row.listed_at === null && (rescheduled || holdsSomething(row)) && listAnew(state)) walk.mend('listings');
  return undefined;
};

type Sum =
  | 'waiting'
  | 'aside'
  | 'delayed'
  | 'active'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'grouped'
  | 'kin'
  | 'owed';

/** False where the list has no room. */
function listAnew(state: QueueState): boolean {
  try {
    list(state);
    return true;
  } catch (error) {
    if (PortolanError.is(error, 'CONFLICT')) return false;
    throw error;
  }
}
