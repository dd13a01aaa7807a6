import type { JobRecord, JobState, QueueInspected, QueueInspection, QueueSummary } from '@portolan/core';
import { decodeQueueLimits, HELD_DUE_AT, MAX_QUEUES } from '@portolan/core';
import type { Engine } from './engine.ts';
import { owedParts, partsPage } from './queue-flow.ts';
import { listedNames, unlistedNames } from './queue-list.ts';
import { readLog } from './queue-log.ts';
import { inspectSchedules } from './queue-schedule.ts';
import { allLeases } from './queue-session.ts';
import { FINISHED } from './queue-state.ts';
import { fromColumn } from './text.ts';

const QUEUE = 'SELECT * FROM queue WHERE namespace = ? AND name = ?';
const QUEUES = `SELECT * FROM queue WHERE namespace = ? AND listed_at IS NOT NULL ORDER BY name LIMIT ${MAX_QUEUES}`;
const RECORD = `SELECT id, body, priority, in_group, runs, stalls, progress, error, due_at, job.started_at AS begun,
    job_batch.state AS ended, job_end.started_at AS ran, finished_at, result,
    EXISTS (SELECT 1 FROM job_line WHERE job_line.queue = job.queue AND rank = -priority AND job_line.place = job.place
      AND job_line.job = job.number AND hole = 0) OR EXISTS (SELECT 1 FROM job_aside WHERE job_aside.job = job.number) AS waits, parent, awaits
  FROM job LEFT JOIN job_kin ON job_kin.job = job.number LEFT JOIN job_end ON job_end.job = job.number LEFT JOIN job_batch ON job_batch.number = batch`;
const BY_ID = `${RECORD} WHERE job.queue = ? AND id = ?`;
const NUMBER = 'SELECT number FROM job WHERE queue = ? AND id = ?';
const BY_NUMBER = `${RECORD} WHERE job.queue = ? AND job.number = ?`;

type Row = Record<string, unknown>;
type Leases = ReadonlyMap<string, { readonly number: number; readonly startedAt: number }>;
export type StateInspection = Extract<QueueInspection, { readonly of: 'state' }>;

/** All but pages of jobs, which are queue-page.ts. */
export function inspect(
  engine: Engine,
  namespace: number,
  inspection: Exclude<QueueInspection, StateInspection>,
  now: number,
): QueueInspected {
  if (inspection.of === 'names') {
    const unlisted = inspection.unlisted ? unlistedNames(engine, namespace) : [];
    return { queues: [], jobs: [], cursor: null, names: [...listedNames(engine, namespace), ...unlisted].sort() };
  }
  if (inspection.of === 'queues') {
    return { queues: engine.sql(QUEUES).all(namespace).map(toSummary), jobs: [], cursor: null };
  }
  const { queue } = inspection;
  const row = findQueue(engine, namespace, queue);
  if (inspection.of === 'schedules') return inspectSchedules(engine, Number(row?.number ?? 0), now, inspection);
  if (inspection.of === 'logs') {
    const job = row && engine.sql(NUMBER).get(Number(row.number), inspection.id)?.number;
    return { queues: [], jobs: [], cursor: null, logs: job == null ? undefined : readLog(engine, Number(job)) };
  }
  const queues = [toSummary(row ?? { name: queue })];
  if (!row) return { queues, jobs: [], cursor: null };
  const number = Number(row.number);
  if (inspection.of === 'owed') {
    return { queues: [], jobs: [], cursor: null, owed: owedParts(engine, number, now, inspection.limit) };
  }
  if (inspection.of === 'parts') {
    const { id, limit } = inspection;
    const from = Number(inspection.cursor ?? 0);
    const parts = partsPage(engine, number, id, limit + 1, from);
    const cursor = parts.length > limit ? String(from + limit) : null;
    return { queues: [], jobs: [], cursor, parts: parts.slice(0, limit) };
  }
  const record = recordOf(leasesOf(engine, row));
  return { queues, jobs: inspection.ids.flatMap((id) => engine.sql(BY_ID).all(number, id)).map(record), cursor: null };
}

/** Who runs what, and since when, of a row of `queue`. */
export const leasesOf = (engine: Engine, row: Row): Leases =>
  new Map(Number(row.active) === 0 ? [] : allLeases(engine, Number(row.number)));

const recordOf =
  (leases: Leases) =>
  (found: Row): JobRecord =>
    toRecord(found, leases.get(String(found.id))?.startedAt);

/** The jobs of these numbers that the queue of the row still has; a number of one that is gone may be another queue's by now. */
export function recordsOf(engine: Engine, row: Row, numbers: readonly number[]): JobRecord[] {
  const found = numbers.flatMap((one) => engine.sql(BY_NUMBER).all(Number(row.number), one));
  return found.map(recordOf(leasesOf(engine, row)));
}

export const findQueue = (engine: Engine, namespace: number, queue: string): Row | undefined =>
  engine.sql(QUEUE).get(namespace, queue);

export function toSummary(row: Row): QueueSummary {
  const count = (state: JobState): number => Number(row[state] ?? 0);
  const counts = {
    waiting: count('waiting'),
    delayed: count('delayed'),
    active: count('active'),
    completed: count('completed'),
    failed: count('failed'),
    cancelled: count('cancelled'),
  };
  const limits = row.limits == null ? null : decodeQueueLimits(String(row.limits));
  return { queue: String(row.name), paused: row.paused === 1, limits, counts };
}

const text = (value: unknown): string | null => (value === null ? null : String(value));
const time = (value: unknown): number | null => (value === null ? null : Number(value));

function toRecord(row: Row, leasedAt: number | undefined): JobRecord {
  const ended = row.ended === null ? undefined : FINISHED[Number(row.ended)];
  const state = ended ?? (row.due_at !== null ? 'delayed' : row.waits === 1 ? 'waiting' : 'active');
  return {
    id: String(row.id),
    body: fromColumn(row.body),
    state,
    priority: Number(row.priority),
    group: text(row.in_group),
    // A run that completes is not written into the job's row.
    attempts: Number(row.runs) + (state === 'active' || state === 'completed' ? 1 : 0),
    stalls: Number(row.stalls),
    progress: text(row.progress),
    result: text(row.result),
    error: text(row.error),
    dueAt: row.due_at === HELD_DUE_AT ? null : time(row.due_at),
    startedAt: state === 'active' ? (leasedAt ?? time(row.begun)) : time(row.ran ?? row.begun),
    finishedAt: time(row.finished_at),
    parent: text(row.parent),
    awaits: Number(row.awaits ?? 0),
  };
}
