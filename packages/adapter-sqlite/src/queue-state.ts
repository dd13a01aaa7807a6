import { HELD_DUE_AT } from '@portolan/core';
import type { Engine } from './engine.ts';
import { InsertMany } from './insert-many.ts';
import { Groups } from './queue-groups.ts';
import { forgetKin } from './queue-kin.ts';
import { forgetLogs } from './queue-log.ts';
import { findRow, makeRow, type QueueRow, type RowValues, saveRow, valuesOf } from './queue-row.ts';
import { toColumn } from './text.ts';

/** What is changed of a job's row; the body stays where it is. */
export interface Job {
  readonly number: number;
  readonly id: string;
  readonly priority: number;
  place: number | null;
  due_at: number | null;
  runs: number;
  stalls: number;
  asked: number;
  readonly in_group: string | null;
  started_at: number | null;
  progress: string | null;
  error: string | null;
}

/** In the order of the codes in `job_batch`. */
export const FINISHED = ['completed', 'failed', 'cancelled'] as const;
export type FinishedState = (typeof FINISHED)[number];

/** Most jobs that one call forgets of a state, takes back, or makes due. */
export const STEP = 500;

const LINE = new InsertMany('job_line (queue, rank, place, job)');
const FILL_HOLE = 'UPDATE job_line SET hole = 0 WHERE queue = ? AND rank = ? AND place = ? AND job = ?';
const MAKE_HOLE = 'UPDATE job_line SET hole = 1 WHERE queue = ? AND rank = ? AND place = ? AND job = ?';
const LEAVE_LINE = 'DELETE FROM job_line WHERE queue = ? AND rank = ? AND place = ? AND job = ?';
const WAITS = 'SELECT 1 FROM job_line WHERE queue = ? AND rank = ? AND place = ? AND job = ? AND hole = 0';
const JOB = `SELECT number, id, priority, place, due_at, runs, stalls, asked, in_group, started_at, progress, error FROM job`;
const BY_ID = `${JOB} WHERE queue = ? AND id = ?`;
const BY_NUMBER = `${JOB} WHERE number = ?`;
const BY_DUE = `${JOB} WHERE queue = ? AND due_at IS NOT NULL AND due_at <= ? ORDER BY due_at, id LIMIT ${STEP}`;
const BY_KEY = `${JOB} WHERE queue = ? AND dedupe_key = ?`;
const UPDATE = `UPDATE job SET place = ?, due_at = ?, runs = ?, stalls = ?, asked = ?, started_at = ?, progress = ?, error = ? WHERE number = ?`;
const SET_BODY = 'UPDATE job SET body = ? WHERE number = ?';
const FORGET = 'DELETE FROM job WHERE number = ?';
const ENDED = 'SELECT state FROM job_end CROSS JOIN job_batch ON number = batch WHERE job = ?';
const NEXT_DUE = 'SELECT min(due_at) AS due FROM job WHERE queue = ? AND due_at IS NOT NULL';
const ASKED = 'SELECT id FROM job WHERE queue = ? AND asked = 1';

/** One queue within one transaction: the moves of its jobs between states. What may move when is decided by those who call. */
export class QueueState {
  readonly engine: Engine;
  readonly row: QueueRow;
  readonly now: number;
  readonly groups: Groups;
  /** The row as it was read. */
  readonly #read: RowValues;

  private constructor(engine: Engine, row: QueueRow, now: number) {
    this.engine = engine;
    this.row = row;
    this.now = now;
    this.groups = new Groups(engine, row, now);
    this.#read = valuesOf(row);
  }

  static find(engine: Engine, namespace: number, name: string, now: number): QueueState | undefined {
    const row = findRow(engine, namespace, name);
    return row && new QueueState(engine, row, now);
  }

  static make(engine: Engine, namespace: number, name: string, now: number): QueueState {
    return new QueueState(engine, findRow(engine, namespace, name) ?? makeRow(engine, namespace, name), now);
  }

  /** Writes the row, if it was changed. */
  save(): void {
    saveRow(this.engine, this.row, this.#read);
  }

  find(id: string): Job | undefined {
    return this.engine.sql(BY_ID).get(this.row.number, id) as unknown as Job | undefined;
  }

  /** The unfinished job that holds a dedupe key. */
  holder(key: string): Job | undefined {
    return this.engine.sql(BY_KEY).get(this.row.number, key) as unknown as Job | undefined;
  }

  get(number: number): Job {
    return this.engine.sql(BY_NUMBER).get(number) as unknown as Job;
  }

  stateOf(job: Job): FinishedState | 'waiting' | 'delayed' | 'active' {
    const ended = this.engine.sql(ENDED).get(job.number)?.state;
    if (ended !== undefined) return FINISHED[Number(ended)] ?? 'cancelled';
    if (job.due_at !== null) return 'delayed';
    return this.#isWaiting(job) ? 'waiting' : 'active';
  }

  /** A job that stands nowhere waits, or is delayed. */
  enter(job: Job, delayMs: number, front = false): void {
    const { engine, row, now } = this;
    if (delayMs > 0) {
      row.delayed += 1;
      job.due_at = now + delayMs;
    } else {
      row.waiting += 1;
      const hole = job.place !== null && engine.sql(FILL_HOLE).run(...this.#placeOf(job)).changes === 1;
      const aside = front && job.in_group !== null && this.groups.lines(job.in_group);
      if (aside) this.groups.addFront(job, job.in_group ?? '');
      else if (!hole) {
        job.place = front ? --row.front : ++row.back;
        LINE.run(engine, this.#placeOf(job));
      }
    }
    this.update(job);
  }

  /** A job that stands nowhere is delayed until it no longer awaits parts. */
  hold(job: Job): void {
    this.row.delayed += 1;
    job.due_at = HELD_DUE_AT;
    this.update(job);
  }

  /** Takes a waiting job out of the line, or out of the delayed ones. */
  leave(job: Job, to: 'hole' | 'gone'): void {
    if (job.due_at !== null) {
      this.row.delayed -= 1;
      job.due_at = null;
    } else {
      this.row.waiting -= 1;
      const left = this.engine.sql(to === 'hole' ? MAKE_HOLE : LEAVE_LINE).run(...this.#placeOf(job));
      if (left.changes === 0) this.groups.remove(job);
    }
  }

  /** What is due waits. */
  promote(): void {
    if (this.row.delayed === 0) return;
    for (const job of this.engine.sql(BY_DUE).all(this.row.number, this.now) as unknown as Job[]) {
      this.leave(job, 'gone');
      this.enter(job, 0);
    }
  }

  dueInMs(): number | null {
    if (this.row.delayed === 0) return null;
    const due = Number(this.engine.sql(NEXT_DUE).get(this.row.number)?.due);
    return due === HELD_DUE_AT ? null : Math.max(due - this.now, 0);
  }

  /** Ids of active jobs that someone asked to cancel. */
  get asked(): string[] {
    return this.engine
      .sql(ASKED)
      .all(this.row.number)
      .map((row) => String(row.id));
  }

  /** Forgets a job that stands nowhere. */
  forget(job: Job): void {
    // A cancelled one may have left a hole.
    if (job.place !== null) this.engine.sql(LEAVE_LINE).run(...this.#placeOf(job));
    forgetKin(this, [job.number]);
    this.engine.sql(FORGET).run(job.number);
    forgetLogs(this.engine, [job.number]);
  }

  setBody(job: Job, body: string): void {
    this.engine.sql(SET_BODY).run(toColumn(body), job.number);
  }

  #isWaiting(job: Job): boolean {
    if (job.place !== null && this.engine.sql(WAITS).get(...this.#placeOf(job))) return true;
    return this.groups.isAside(job.number);
  }

  #placeOf(job: Job): [number, number, number | null, number] {
    return [this.row.number, -job.priority, job.place, job.number];
  }

  /** Writes what was changed of a job. */
  update(job: Job): void {
    const { place, due_at, runs, stalls, asked, started_at, progress, error, number } = job;
    this.engine.sql(UPDATE).run(place, due_at, runs, stalls, asked, started_at, progress, error, number);
  }
}
