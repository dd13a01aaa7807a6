import {
  decodeQueueLimits,
  HELD_DUE_AT,
  isOfQueue,
  type JobLogLine,
  type PlacedRecord,
  type TransferRecord,
  type TransferredJob,
} from '@portolan/core';
import type { SqliteContext } from './context.ts';
import type { Engine } from './engine.ts';
import { limit } from './queue-claim.ts';
import { end } from './queue-end.ts';
import { loadOwed, loadPart, toOwed, toPart } from './queue-flow.ts';
import { addKin } from './queue-kin.ts';
import { list } from './queue-list.ts';
import { addLog, readLog } from './queue-log.ts';
import { loadSchedule, SCHEDULE_COLUMNS, toSchedule } from './queue-schedule.ts';
import { allLeases } from './queue-session.ts';
import { FINISHED, QueueState } from './queue-state.ts';
import { channelOf } from './queue-wait.ts';
import { fromColumn, toColumn } from './text.ts';
import { type PartTransfer, readTuple } from './transfer-part.ts';

const QUEUES =
  'SELECT name, number, paused, limits FROM queue WHERE namespace = ? AND name > ? AND listed_at IS NOT NULL ORDER BY name';
const QUEUE = 'SELECT number FROM queue WHERE namespace = ? AND name = ?';
const COUNT = `SELECT coalesce(sum(1 + schedules + owed + waiting + delayed + active + completed + failed + cancelled), 0) AS n
  FROM queue WHERE namespace = ?`;
const JOB = `job.number, job.id, body, priority, runs, stalls, asked, job.started_at AS begun, dedupe_key, in_group, progress, error, due_at,
  (SELECT parent FROM job_kin WHERE job_kin.job = job.number) AS parent, (SELECT awaits FROM job_kin WHERE job_kin.job = job.number) AS awaits`;
const ACTIVE = `SELECT ${JOB} FROM job WHERE number = ?`;
const WAITING = `SELECT ${JOB}, rank AS a, line.place AS b FROM job_line AS line CROSS JOIN job ON number = line.job
  WHERE line.queue = ? AND (rank, line.place) > (?, ?) AND hole = 0 ORDER BY rank, line.place`;
const ASIDE = `SELECT ${JOB}, rank AS a, line.place AS b FROM job_aside AS line CROSS JOIN job ON number = line.job
  WHERE line.queue = ? AND (rank, line.place) > (?, ?) ORDER BY rank, line.place`;
const DELAYED = `SELECT ${JOB}, due_at AS a, id AS b FROM job
  WHERE queue = ? AND due_at IS NOT NULL AND (due_at, id) > (?, ?) ORDER BY due_at, id`;
const ended = (code: number): string => `
  SELECT ${JOB}, finished_at AS a, job.number AS b, finished_at, job_end.started_at AS ran, result
  FROM job_batch AS batch CROSS JOIN json_each(jobs) CROSS JOIN job ON job.number = value CROSS JOIN job_end ON job_end.job = value
  WHERE batch.queue = ?1 AND state = ${code} AND finished_at >= ?2 AND (finished_at, job.number) > (?2, ?3) ORDER BY finished_at, job.number`;
const SCHEDULES = `SELECT ${SCHEDULE_COLUMNS}, 0 AS a, id AS b FROM queue_schedule WHERE queue = ? AND id > ? ORDER BY id`;
const ENDED = FINISHED.map((_, code) => ended(code));
const PARTS = `SELECT job.number AS a, part AS b, id, part, turn, fails, text FROM job CROSS JOIN job_part ON job_part.job = job.number
  WHERE job.queue = ?1 AND job.number >= ?2 AND (job.number, part) > (?2, ?3) ORDER BY job.number, part`;
const OWED = `SELECT turn AS a, id AS b, id, turn, parent, state, text, missed_at FROM job_owed WHERE queue = ? AND id > ? ORDER BY id`;

const ADD = `INSERT INTO job (queue, id, priority, place, due_at, runs, stalls, started_at, dedupe_key, in_group, progress, error, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
const KNOWN = 'SELECT 1 FROM job WHERE queue = ? AND id = ?';
const LINE = 'INSERT INTO job_line (queue, rank, place, job) VALUES (?, ?, ?, ?)';

/** In this order; a place is behind a job of a stage by two numbers of its order, or a number and the id; behind a schedule by its id. */
const STAGES = ['active', 'aside', 'waiting', 'delayed', ...FINISHED, 'part', 'owed', 'schedules'] as const;
type Place = readonly [queue: string, stage: number, a: number, b: string];
const FIRST = Number.MIN_SAFE_INTEGER;

type Row = Record<string, unknown>;

export function sqliteQueueTransfer({ engine, namespace, now, signals }: SqliteContext): PartTransfer<Place> {
  function* rowsOf(queue: number, stage: number, a: number, b: string): Iterable<Row> {
    const number = b === '' ? FIRST : Number(b);
    const name = STAGES[stage];
    if (name === 'aside') yield* engine.sql(ASIDE).iterate(queue, a, number);
    else if (name === 'waiting') yield* engine.sql(WAITING).iterate(queue, a, number);
    else if (name === 'delayed') yield* engine.sql(DELAYED).iterate(queue, a, b);
    else if (name === 'schedules') yield* engine.sql(SCHEDULES).iterate(queue, b);
    else if (name === 'part') yield* engine.sql(PARTS).iterate(queue, a, b);
    else if (name === 'owed') yield* engine.sql(OWED).iterate(queue, b);
    else if (name !== 'active') yield* engine.sql(ENDED[stage - 4] as string).iterate(queue, a, number);
    else {
      const leases = allLeases(engine, queue).sort(
        ([id, one], [other, two]) => one.startedAt - two.startedAt || (id < other ? -1 : 1),
      );
      for (const [id, lease] of leases) {
        if (lease.startedAt < a || (lease.startedAt === a && id <= b)) continue;
        const row = engine.sql(ACTIVE).get(lease.number);
        if (row) yield { ...row, begun: lease.startedAt, a: lease.startedAt, b: id };
      }
    }
  }

  function* behind(queue: string, number: number, [, begun, a, b]: Place): Iterable<PlacedRecord<Place>> {
    for (let stage = begun; stage < STAGES.length; stage++) {
      const rows = stage === begun ? rowsOf(number, stage, a, b) : rowsOf(number, stage, FIRST, '');
      for (const row of rows)
        yield { record: toRecord(engine, queue, stage, row), place: [queue, stage, Number(row.a), String(row.b)] };
    }
  }

  function load(state: QueueState, job: TransferredJob): boolean {
    const { row } = state;
    const { number } = row;
    if (engine.sql(KNOWN).get(number, job.id)) return false;
    const waiting = job.state === 'waiting';
    const unfinished = waiting || job.state === 'delayed';
    const place = waiting ? row.back + 1 : null;
    const due = job.state === 'delayed' ? (job.dueAt ?? HELD_DUE_AT) : null;
    // A run that completes is not written into the job's row.
    const runs = job.state === 'completed' ? Math.max(0, job.attempts - 1) : job.attempts;
    const add = (key: string | null) =>
      engine
        .sql(ADD)
        .run(
          ...[number, job.id, job.priority, place, due, runs, job.stalls, job.startedAt],
          ...[key, job.group, job.progress, job.error, toColumn(job.body)],
        );
    // A dedupe key that another job holds stays with it.
    let added = add(unfinished ? job.dedupeKey : null);
    if (added.changes === 0) added = add(null);
    addKin(state, added.lastInsertRowid, job.parent, job.awaits);
    if (job.logs.length > 0) addLog(engine, Number(added.lastInsertRowid), job.logs);
    if (waiting) {
      row.back += 1;
      engine.sql(LINE).run(number, -job.priority, place, added.lastInsertRowid);
    }
    if (job.state === 'waiting' || job.state === 'delayed') row[job.state] += 1;
    else {
      const ended = { number: Number(added.lastInsertRowid), startedAt: job.startedAt, result: job.result };
      end(state, job.state, [ended], job.finishedAt ?? now());
    }
    return unfinished;
  }

  return {
    count: () => Number(engine.sql(COUNT).get(namespace)?.n),
    walk: {
      *from(place) {
        const begun = place && engine.sql(QUEUE).get(namespace, place[0]);
        if (place && begun) yield* behind(place[0], Number(begun.number), place);
        for (const row of engine.sql(QUEUES).iterate(namespace, place?.[0] ?? '')) {
          const start: Place = [String(row.name), 0, FIRST, ''];
          const limits = row.limits === null ? null : decodeQueueLimits(String(row.limits));
          yield { record: { of: 'queue', queue: start[0], paused: row.paused === 1, limits }, place: start };
          yield* behind(start[0], Number(row.number), start);
        }
      },
      readPlace: (content) => readTuple(content, ['string', 'number', 'number', 'string']),
    },
    load(records) {
      const queues = new Map<string, QueueState>();
      const woken = new Set<string>();
      for (const record of records) {
        if (!isOfQueue(record)) continue;
        const { queue } = record;
        const state = queues.get(queue) ?? QueueState.make(engine, namespace, queue, now());
        if (!queues.has(queue)) list(state);
        queues.set(queue, state);
        if (record.of === 'queue') {
          state.row.paused = record.paused ? 1 : 0;
          limit(state, record.limits);
        } else if (record.of === 'schedule') loadSchedule(state, record);
        else if (record.of === 'part') loadPart(state, record);
        else if (record.of === 'owed') loadOwed(state, record);
        else if (load(state, record)) woken.add(queue);
      }
      for (const state of queues.values()) state.save();
      for (const queue of woken) signals.raise(channelOf(queue));
    },
  };
}

function toRecord(engine: Engine, queue: string, stage: number, row: Row): TransferRecord {
  const name = STAGES[stage] ?? 'cancelled';
  if (name === 'schedules') return { of: 'schedule', queue, ...toSchedule(row) };
  if (name === 'part') return toPart(queue, row);
  if (name === 'owed') return toOwed(queue, row);
  return toTransferred(queue, name, row, readLog(engine, Number(row.number)));
}

const text = (value: unknown): string | null => (value == null ? null : String(value));
const time = (value: unknown): number | null => (value == null ? null : Number(value));

type JobStage = Exclude<(typeof STAGES)[number], 'part' | 'owed' | 'schedules'>;

function toTransferred(queue: string, name: JobStage, row: Row, logs: readonly JobLogLine[]): TransferredJob {
  const cancelled = name === 'active' && row.asked === 1 && row.parent === null;
  const state = cancelled ? 'cancelled' : name === 'active' || name === 'aside' ? 'waiting' : name;
  const startedAt = time(row.ran ?? row.begun);
  return {
    of: 'job',
    queue,
    id: String(row.id),
    body: fromColumn(row.body),
    state,
    priority: Number(row.priority),
    group: text(row.in_group),
    attempts: Number(row.runs) + (state === 'completed' ? 1 : 0),
    stalls: Number(row.stalls),
    dedupeKey: cancelled ? null : text(row.dedupe_key),
    progress: text(row.progress),
    result: text(row.result),
    error: text(row.error),
    dueAt: row.due_at === HELD_DUE_AT ? null : time(row.due_at),
    startedAt,
    finishedAt: cancelled ? startedAt : time(row.finished_at),
    parent: text(row.parent),
    awaits: time(row.awaits),
    logs,
  };
}
