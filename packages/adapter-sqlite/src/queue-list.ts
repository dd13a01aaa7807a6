import { MAX_QUEUES, tooManyQueues } from '@portolan/core';
import type { Engine } from './engine.ts';
import type { QueueRow } from './queue-row.ts';
import type { QueueState } from './queue-state.ts';

/** A listing so young is not renewed, so that a push costs no write of its own for it. */
const RENEW_MS = 60_000;

const COUNT = 'SELECT count(*) AS n FROM queue WHERE namespace = ? AND listed_at IS NOT NULL';
const NAMES = `SELECT name FROM queue WHERE namespace = ? AND listed_at IS NOT NULL ORDER BY name LIMIT ${MAX_QUEUES}`;
const UNLISTED = `SELECT name FROM queue WHERE namespace = ? AND listed_at IS NULL
  AND (schedules + owed > 0 OR EXISTS (SELECT 1 FROM job WHERE job.queue = queue.number))`;
const LIST = 'UPDATE queue SET listed_at = ? WHERE number = ?';
const IDLE_SESSIONS = `DELETE FROM job_session WHERE rowid IN
  (SELECT rowid FROM job_session WHERE expires_at <= ?1 AND kept_until <= ?1 AND held = '[]'
    AND queue IN (SELECT number FROM queue WHERE listed_at IS NULL) LIMIT ?2)`;
const UNUSED = `DELETE FROM queue WHERE number IN (SELECT number FROM queue
  WHERE listed_at IS NULL AND paused = 0 AND limits IS NULL AND schedules + owed + waiting + delayed + active + completed + failed + cancelled = 0
    AND NOT EXISTS (SELECT 1 FROM job_session WHERE job_session.queue = number) LIMIT ?)`;

export function listedNames(engine: Engine, namespace: number): string[] {
  return engine
    .sql(NAMES)
    .all(namespace)
    .map((row) => String(row.name));
}

/** Those that hold something all the same. */
export function unlistedNames(engine: Engine, namespace: number): string[] {
  return engine
    .sql(UNLISTED)
    .all(namespace)
    .map((row) => String(row.name));
}

/** Lists a queue, or notes that it is in use. Throws when it would be one too many. */
export function list({ engine, row, now }: QueueState): void {
  const { listed_at: listedAt, namespace, name, number } = row;
  if (listedAt !== null && listedAt > now - RENEW_MS) return;
  if (listedAt === null && Number(engine.sql(COUNT).get(namespace)?.n) >= MAX_QUEUES) throw tooManyQueues(name);
  engine.sql(LIST).run(now, number);
}

/** Takes a queue that holds nothing off the list, if its last push is long enough ago. */
export function unlist({ engine, row, now }: QueueState, idleMs: number): void {
  const { listed_at: listedAt, number } = row;
  if (listedAt !== null && listedAt <= now - idleMs && !holdsSomething(row)) engine.sql(LIST).run(null, number);
}

export function holdsSomething({ paused, limits, schedules, owed, ...row }: QueueRow): boolean {
  const { waiting, delayed, active, completed, failed, cancelled } = row;
  if (paused === 1 || limits !== null || schedules + owed > 0) return true;
  return waiting + delayed + active + completed + failed + cancelled > 0;
}

/**
 * Of queues off the list: forgets sessions that hold nothing, have ended and whose last exchange nobody repeats any more, and the queues
 * themselves once no session is at them. Those on the list are swept by their workers.
 */
export function sweepUnlisted(engine: Engine, now: number, limit: number): number {
  return Number(engine.sql(IDLE_SESSIONS).run(now, limit).changes) + Number(engine.sql(UNUSED).run(limit).changes);
}
