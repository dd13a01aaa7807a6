import {
  type Amended,
  type DeliveredPart,
  type FlowAmendment,
  HELD_DUE_AT,
  MAX_PARTS,
  type OwedPart,
  type OwedRecord,
  type PartRecord,
  TRANSFER_PAGE_BYTES,
} from '@portolan/core';
import type { Engine } from './engine.ts';
import { finish } from './queue-end.ts';
import type { Job, QueueState } from './queue-state.ts';

const KIN = 'SELECT parent, awaits FROM job_kin WHERE job = ?';
const AWAITS = 'UPDATE job_kin SET awaits = ? WHERE job = ?';
const TAKE_BACK = 'DELETE FROM job_owed WHERE queue = ? AND id = ?';
const STRIKE = 'DELETE FROM job_owed WHERE queue = ? AND id = ? AND turn = ?';
const DEFER = `UPDATE job_owed SET due_at = ?1 + ?2, missed_at = coalesce(missed_at, ?1) WHERE queue = ? AND id = ? AND turn = ?`;
const OWED = `SELECT id, turn, parent, state, text, missed_at FROM job_owed WHERE queue = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?`;
const PART = 'SELECT turn, fails FROM job_part WHERE job = ? AND part = ?';
const PART_COUNT = 'SELECT count(*) AS n FROM job_part WHERE job = ?';
const PUT_PART = 'INSERT OR REPLACE INTO job_part (job, part, turn, fails, text) VALUES (?, ?, ?, ?, ?)';
const LOAD_PART = `INSERT INTO job_part (job, part, turn, fails, text)
  SELECT number, ?3, ?4, ?5, ?6 FROM job WHERE queue = ?1 AND id = ?2
  ON CONFLICT (job, part) DO UPDATE SET turn = excluded.turn, fails = excluded.fails, text = excluded.text WHERE excluded.turn > turn`;
const TURN = 'SELECT turn FROM job_owed WHERE queue = ? AND id = ?';
const LOAD_OWED = `INSERT OR REPLACE INTO job_owed (queue, id, turn, parent, state, due_at, missed_at, text) VALUES (?, ?, ?, ?, ?, 0, ?, ?)`;
const PARTS = `SELECT part, turn, fails, text FROM job_part JOIN job ON number = job
  WHERE queue = ? AND id = ? ORDER BY part LIMIT ? OFFSET ?`;

type Deliver = Extract<FlowAmendment, { readonly do: 'deliver' }>;
type Mark = Exclude<FlowAmendment, Deliver>;

/** Parts that must still come; null for a job that never awaited any. */
function awaitsOf({ engine, row }: QueueState, job: Job): number | null {
  return row.kin === 0 ? null : ((engine.sql(KIN).get(job.number)?.awaits ?? null) as number | null);
}

/** Puts in a part of another store, whose job has counted it. */
export function loadPart({ engine, row }: QueueState, { id, part, turn, fails, text }: PartRecord): void {
  engine.sql(LOAD_PART).run(row.number, id, part, turn, Number(fails), text);
}

/** Puts in what is owed in another store, due at once. */
export function loadOwed(state: QueueState, { id, turn, parent, state: outcome, text, missedAt }: OwedRecord): void {
  const { engine, row } = state;
  const known = engine.sql(TURN).get(row.number, id)?.turn;
  if (known !== undefined && Number(known) >= turn) return;
  engine.sql(LOAD_OWED).run(row.number, id, turn, parent, outcome, missedAt, text);
  if (known === undefined) row.owed += 1;
  row.turn = Math.max(row.turn, turn);
}

/** A job that stands nowhere waits, or is held while it awaits parts. It no longer owes how it finished. */
export function admit(state: QueueState, job: Job): void {
  const { engine, row } = state;
  if (row.owed > 0) row.owed -= Number(engine.sql(TAKE_BACK).run(row.number, job.id).changes);
  if (awaitsOf(state, job)) state.hold(job);
  else state.enter(job, 0);
}

/** Puts a part with the job that awaits it, which waits or fails over it where it is held. */
export function deliver(state: QueueState, job: Job, { part, turn, text, fail }: Deliver): Amended {
  const { engine } = state;
  const awaits = awaitsOf(state, job);
  const known = engine.sql(PART).get(job.number, part);
  if (awaits === null) return 'refused';
  if (!known && (awaits === 0 || Number(engine.sql(PART_COUNT).get(job.number)?.n) >= MAX_PARTS)) return 'refused';
  if (known && Number(known.turn) >= turn) return 'done';
  const fails = fail !== undefined;
  const counted = known?.fails === 0;
  const left = awaits + Number(fails && counted) - Number(!fails && !counted);
  engine.sql(PUT_PART).run(job.number, part, turn, Number(fails), text);
  engine.sql(AWAITS).run(left, job.number);
  if (job.due_at !== HELD_DUE_AT) return 'done';
  if (fails) {
    state.leave(job, 'gone');
    job.error = fail;
    finish(state, job, 'failed');
  } else if (left <= 0) {
    state.leave(job, 'gone');
    state.enter(job, 0);
  }
  return 'done';
}

export function mark({ engine, row, now }: QueueState, amendment: Mark): Amended {
  const { id, turn } = amendment;
  if (amendment.do === 'defer') {
    return engine.sql(DEFER).run(now, amendment.delayMs, row.number, id, turn).changes === 1 ? 'done' : 'missing';
  }
  if (engine.sql(STRIKE).run(row.number, id, turn).changes === 0) return 'missing';
  row.owed -= 1;
  return 'done';
}

export function owedParts(engine: Engine, queue: number, now: number, limit: number): OwedPart[] {
  const owed: OwedPart[] = [];
  let left = TRANSFER_PAGE_BYTES;
  for (const { missed_at: missedAt, ...row } of engine.sql(OWED).iterate(queue, now, limit)) {
    const entry = row as unknown as Omit<OwedPart, 'missedMs'>;
    owed.push({ ...entry, missedMs: missedAt === null ? null : now - Number(missedAt) });
    left -= entry.text?.length ?? 0;
    if (left <= 0) break;
  }
  return owed;
}

export function partsPage(engine: Engine, queue: number, id: string, limit: number, from: number): DeliveredPart[] {
  return engine
    .sql(PARTS)
    .all(queue, id, limit, from)
    .map((row) => ({ part: String(row.part), turn: Number(row.turn), fails: row.fails === 1, text: String(row.text) }));
}

type Row = Readonly<Record<string, unknown>>;

export function toPart(queue: string, { id, part, turn, fails, text }: Row): PartRecord {
  const fixed = { of: 'part', queue, id: String(id), part: String(part) } as const;
  return { ...fixed, turn: Number(turn), fails: fails === 1, text: String(text) };
}

export function toOwed(queue: string, { id, turn, parent, state, text, missed_at: missedAt }: Row): OwedRecord {
  return {
    of: 'owed',
    queue,
    id: String(id),
    turn: Number(turn),
    parent: String(parent),
    state: state as OwedPart['state'],
    text: text as string | null,
    missedAt: missedAt as number | null,
  };
}
