import type { JobRecord, JobState, QueueInspected, QueueInspection, QueueSummary } from '@portolan/core';
import { decodeQueueLimits, HELD_DUE_AT, MAX_QUEUES } from '@portolan/core';
import type { Engine } from './engine.ts';
import { owedParts, partsPage } from './queue-flow.ts';
import { listedNames } from './queue-list.ts';
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
const BY_NUMBER = `${RECORD} WHERE job.number = ?`;
/** Numbers of a page's jobs. Skipping costs its distance, within the index. */
const PAGES: Readonly<Record<Exclude<JobState, 'active'>, string>> = {
  waiting: 'SELECT job AS number FROM job_line WHERE queue = ? AND hole = 0 ORDER BY rank, place LIMIT ? OFFSET ?',
  delayed: 'SELECT number FROM job WHERE queue = ? AND due_at IS NOT NULL ORDER BY due_at, id LIMIT ? OFFSET ?',
  completed: finished(0),
  failed: finished(1),
  cancelled: finished(2),
};

const ASIDE = 'SELECT job AS number FROM job_aside WHERE queue = ? ORDER BY rank, place LIMIT ? OFFSET ?';

function finished(code: number): string {
  return `SELECT value AS number FROM job_batch CROSS JOIN json_each(jobs) WHERE queue = ? AND state = ${code}
    ORDER BY finished_at DESC, number DESC, key DESC LIMIT ? OFFSET ?`;
}

type Row = Record<string, unknown>;

export function inspect(engine: Engine, namespace: number, inspection: QueueInspection, now: number): QueueInspected {
  if (inspection.of === 'names') return { queues: [], jobs: [], cursor: null, names: listedNames(engine, namespace) };
  if (inspection.of === 'queues') {
    return { queues: engine.sql(QUEUES).all(namespace).map(toSummary), jobs: [], cursor: null };
  }
  const { queue } = inspection;
  const row = engine.sql(QUEUE).get(namespace, queue);
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
  const leases = new Map(Number(row.active) === 0 ? [] : allLeases(engine, number));
  const record = (found: Row): JobRecord => toRecord(found, leases.get(String(found.id))?.startedAt);
  if (inspection.of === 'jobs') {
    const jobs = inspection.ids.flatMap((id) => engine.sql(BY_ID).all(number, id)).map(record);
    return { queues, jobs, cursor: null };
  }
  const { state, limit } = inspection;
  const from = Number(inspection.cursor ?? 0);
  // One more, to know whether there is a next page.
  const numbers =
    state === 'active' ? activePage(leases, from, limit + 1) : page(engine, PAGES[state], number, limit + 1, from);
  if (state === 'waiting' && Number(row.aside) > 0 && numbers.length <= limit) {
    const inLine = Number(row.waiting) - Number(row.aside);
    numbers.push(...page(engine, ASIDE, number, limit + 1 - numbers.length, Math.max(0, from - inLine)));
  }
  const jobs = numbers.slice(0, limit).flatMap((one) => engine.sql(BY_NUMBER).all(one));
  return { queues, jobs: jobs.map(record), cursor: numbers.length > limit ? String(from + limit) : null };
}

function page(engine: Engine, text: string, queue: number, limit: number, from: number): number[] {
  return engine
    .sql(text)
    .all(queue, limit, from)
    .map((row) => Number(row.number));
}

/** Longest running first. */
function activePage(
  leases: ReadonlyMap<string, { readonly number: number; readonly startedAt: number }>,
  from: number,
  limit: number,
): number[] {
  return [...leases]
    .sort(([a, one], [b, other]) => one.startedAt - other.startedAt || (a < b ? -1 : 1))
    .slice(from, from + limit)
    .map(([, { number }]) => number);
}

function toSummary(row: Row): QueueSummary {
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
