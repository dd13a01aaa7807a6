import { HELD_DUE_AT } from '@portolan/core';
import { end } from './queue-end.ts';
import { reconcileGroups } from './queue-reconcile-groups.ts';
import type { Step, Walk } from './queue-reconcile-walk.ts';
import { allLeases, sessionsWithLeases, setHeld } from './queue-session.ts';
import { FINISHED, STEP } from './queue-state.ts';

const START = Number.MIN_SAFE_INTEGER;

const BATCHES = `SELECT number, state, finished_at, jobs FROM job_batch
  WHERE queue = ? AND (state, finished_at, number) > (?, ?, ?) ORDER BY state, finished_at, number LIMIT ${STEP}`;
const OF_BATCH = `SELECT value AS number, job.number IS NOT NULL AND job.queue = ?1 AS there, batch
  FROM json_each(?2) LEFT JOIN job ON job.number = value LEFT JOIN job_end ON job_end.job = value`;
const KEEP = 'UPDATE job_batch SET jobs = ? WHERE number = ?';
const DROP = 'DELETE FROM job_batch WHERE number = ?';
const END = 'INSERT INTO job_end (job, batch) VALUES (?, ?)';

const OF_LEASES = `SELECT job.number, job.id, job_end.job IS NOT NULL AS ended FROM json_each(?) CROSS JOIN job ON job.number = value
  LEFT JOIN job_end ON job_end.job = job.number WHERE queue = ?`;

const LINE = `SELECT line.rank, line.place, line.job, hole, due_at, id, job_end.job IS NOT NULL AS ended,
    job.queue = line.queue AND job.place = line.place AND -job.priority = line.rank AS its
  FROM job_line AS line LEFT JOIN job ON job.number = line.job LEFT JOIN job_end ON job_end.job = line.job
  WHERE line.queue = ? AND (line.rank, line.place) > (?, ?) ORDER BY line.rank, line.place LIMIT ${STEP}`;
const LEAVE_LINE = 'DELETE FROM job_line WHERE queue = ? AND rank = ? AND place = ?';
const ASIDE = `SELECT aside.job, due_at, id, job_end.job IS NOT NULL AS ended,
    job.queue = aside.queue AND job_group.queue = aside.queue AND job_group.name = in_group AS its,
    EXISTS (SELECT 1 FROM job_line AS line WHERE line.queue = job.queue AND line.rank = -priority AND line.place = job.place AND line.job = aside.job) AS lined
  FROM job_aside AS aside LEFT JOIN job ON job.number = aside.job LEFT JOIN job_end ON job_end.job = aside.job
    LEFT JOIN job_group ON job_group.number = aside.team
  WHERE aside.queue = ? AND aside.job > ? ORDER BY aside.job LIMIT ${STEP}`;
const LEAVE_ASIDE = 'DELETE FROM job_aside WHERE job = ?';

const JOBS = `SELECT job.number, id, due_at, asked, dedupe_key, awaits, job_end.job IS NOT NULL AS ended, job_end.started_at AS begun, result, state,
    EXISTS (SELECT 1 FROM json_each(jobs) WHERE value = job.number) AS listed,
    EXISTS (SELECT 1 FROM job_line AS line WHERE line.queue = job.queue AND line.rank = -priority AND line.place = job.place AND line.job = job.number
      AND hole = 0) OR EXISTS (SELECT 1 FROM job_aside AS aside WHERE aside.job = job.number) AS waits
  FROM job LEFT JOIN job_kin ON job_kin.job = job.number LEFT JOIN job_end ON job_end.job = job.number
    LEFT JOIN job_batch ON job_batch.number = batch AND job_batch.queue = job.queue
  WHERE job.queue = ? AND id > ? ORDER BY id LIMIT ${STEP}`;
const FORGET_END = 'DELETE FROM job_end WHERE job = ?';
const NOT_DUE = 'UPDATE job SET due_at = NULL WHERE number = ?';
const NOT_ASKED = 'UPDATE job SET asked = 0 WHERE number = ?';
const FREE_KEY = 'UPDATE job SET dedupe_key = NULL WHERE number = ?';

/** Lists of finished jobs. A job stands in that which its end names; one that is listed and whose end is lost has finished. O(jobs of the page). */
export const reconcileBatches: Step = (walk, at = [START, START, START]) => {
  const { engine, row } = walk.state;
  const batches = engine.sql(BATCHES).all(row.number, ...at);
  for (const batch of batches) {
    const number = Number(batch.number);
    const found = engine.sql(OF_BATCH).all(row.number, String(batch.jobs));
    walk.looked += found.length;
    const kept = new Set<number>();
    for (const job of found) {
      const id = Number(job.number);
      if (job.there === 1 && job.batch === null && !kept.has(id)) {
        engine.sql(END).run(id, number);
        walk.mend('jobs');
        kept.add(id);
      } else if (job.there === 1 && job.batch === number && !kept.has(id)) kept.add(id);
      else walk.mend(job.there === 1 ? 'doubles' : 'strays');
    }
    if (kept.size === 0) engine.sql(DROP).run(number);
    else if (kept.size < found.length) engine.sql(KEEP).run(JSON.stringify([...kept]), number);
    const isLast = batches.length === STEP && batch === batches.at(-1);
    if (walk.looked >= STEP || isLast) return [Number(batch.state), Number(batch.finished_at), number];
  }
  return undefined;
};

/** Leases of jobs that are gone or have finished, or that another session has taken since. All at once: O(active). */
export const reconcileSessions: Step = (walk) => {
  const { engine, row } = walk.state;
  const sessions = sessionsWithLeases(engine, row.number);
  const leases = sessions.flatMap(({ alive, held }) => (alive ? [...held.values()] : []));
  const newest = new Map<number, number>();
  for (const { number, startedAt } of leases) newest.set(number, Math.max(startedAt, newest.get(number) ?? 0));
  const found = engine.sql(OF_LEASES).all(JSON.stringify([...newest.keys()]), row.number);
  const jobs = new Map(found.map((job) => [Number(job.number), job]));
  walk.looked += leases.length;
  for (const { id: session, alive, held } of sessions) {
    const before = held.size;
    for (const [id, { number, startedAt }] of held) {
      const job = jobs.get(number);
      const its = alive && job?.id === id;
      if (its && job.ended === 0 && newest.get(number) === startedAt) newest.delete(number);
      else {
        held.delete(id);
        walk.mend(its ? 'doubles' : 'strays');
      }
    }
    if (held.size < before) setHeld(engine, row.number, session, held);
  }
  return undefined;
};

/** Ids that are leased. */
const leasedIds = ({ state: { engine, row } }: Walk) => new Set(allLeases(engine, row.number).map(([id]) => id));

/** Places in the line of what is gone, or stands elsewhere. */
export const reconcileLine: Step = (walk, at = [START, START]) => {
  const { engine, row } = walk.state;
  const leased = leasedIds(walk);
  const rows = engine.sql(LINE).all(row.number, ...at);
  walk.looked += rows.length;
  for (const { rank, place, hole, due_at: dueAt, id, ended, its } of rows) {
    const elsewhere = ended === 1 ? hole === 0 : dueAt !== null || leased.has(String(id));
    const stray = its !== 1 || (hole === 1 && ended === 0);
    if (!stray && !elsewhere) continue;
    engine.sql(LEAVE_LINE).run(row.number, Number(rank), Number(place));
    walk.mend(stray ? 'strays' : 'doubles');
  }
  const last = rows.at(-1);
  return rows.length === STEP && last ? [Number(last.rank), Number(last.place)] : undefined;
};

/** The same of those aside; the groups are set right at once, since a claim goes by them. */
export const reconcileAside: Step = (walk, at = [START]) => {
  const { engine, row } = walk.state;
  const leased = leasedIds(walk);
  const rows = engine.sql(ASIDE).all(row.number, ...at);
  walk.looked += rows.length;
  for (const { job, due_at: dueAt, id, ended, its, lined } of rows) {
    const elsewhere = ended === 1 || lined === 1 || dueAt !== null || leased.has(String(id));
    if (its === 1 && !elsewhere) continue;
    engine.sql(LEAVE_ASIDE).run(Number(job));
    walk.mend(its === 1 ? 'doubles' : 'strays');
  }
  if (rows.length === STEP) return [Number(rows.at(-1)?.job)];
  return reconcileGroups(walk, undefined);
};

/** What stands nowhere waits again, or is held while it awaits parts; what has finished is nothing else. */
export const reconcileJobs: Step = (walk, at = ['']) => {
  const { engine, row } = walk.state;
  const leased = leasedIds(walk);
  const rows = engine.sql(JOBS).all(row.number, ...at);
  walk.looked += rows.length;
  for (const found of rows) {
    const { due_at: dueAt, asked } = found;
    const number = Number(found.number);
    const active = leased.has(String(found.id));
    if (found.ended === 1 && found.listed === 0) {
      const result = found.result === null ? null : String(found.result);
      const state = found.state === null ? (result === null ? 'failed' : 'completed') : FINISHED[Number(found.state)];
      engine.sql(FORGET_END).run(number);
      end(walk.state, state ?? 'failed', [{ number, startedAt: found.begun as number | null, result }]);
      walk.mend('jobs');
    }
    if (found.ended === 1 && found.dedupe_key !== null) {
      engine.sql(FREE_KEY).run(number);
      walk.mend('strays');
    }
    if (asked === 1 && (found.ended === 1 || !active)) {
      engine.sql(NOT_ASKED).run(number);
      walk.mend('strays');
    }
    if (dueAt !== null && (found.ended === 1 || active)) {
      engine.sql(NOT_DUE).run(number);
      walk.mend('doubles');
    }
    if (found.ended === 0 && !active)
      standSomewhere(walk, { number, dueAt, waits: found.waits === 1, awaits: Number(found.awaits ?? 0) > 0 });
  }
  return rows.length === STEP ? [String(rows.at(-1)?.id)] : undefined;
};

interface Standing {
  readonly number: number;
  readonly dueAt: unknown;
  readonly waits: boolean;
  readonly awaits: boolean;
}

function standSomewhere(walk: Walk, { number, dueAt, waits, awaits }: Standing): void {
  const heldForNothing = dueAt === HELD_DUE_AT && !awaits;
  if ((dueAt !== null || waits) && !heldForNothing) return;
  const { state } = walk;
  const job = state.get(number);
  walk.mend('jobs');
  if (heldForNothing) state.leave(job, 'gone');
  if (awaits) state.hold(job);
  else state.enter(job, 0);
}
