import { afterStarts, type Load, MAX_STEPS_ASIDE, type RunLimits, restsUntil, roomWithin } from '@portolan/core';
import type { Engine } from './engine.ts';
import type { QueueRow } from './queue-row.ts';
import type { Job } from './queue-state.ts';

interface Group extends Load {
  readonly name: string;
  /** null while there is no row of it. */
  number: number | null;
  active: number;
  begunAt: number | null;
  used: number;
  /** Of its first job aside. */
  rank: number | null;
  place: number | null;
  ready: number;
  rests: number;
}

const NEW: Omit<Group, 'name'> = {
  number: null,
  active: 0,
  begunAt: null,
  used: 0,
  rank: null,
  place: null,
  ready: 0,
  rests: 0,
};

const FIND = `SELECT name, number, active, begun_at AS begunAt, used, rank, place, ready, rests FROM job_group WHERE queue = ? AND name = ?`;
const CREATE = 'INSERT INTO job_group (queue, name) VALUES (?, ?)';
const SAVE =
  'UPDATE job_group SET active = ?, begun_at = ?, used = ?, rank = ?, place = ?, ready = ?, rests = ? WHERE number = ?';
const DROP = 'DELETE FROM job_group WHERE number = ?';
const READY = 'SELECT name, rank FROM job_group WHERE queue = ? AND ready = 1 ORDER BY rank, place LIMIT 1';
const COUNT_READY = 'SELECT count(*) AS n FROM (SELECT 1 FROM job_group WHERE queue = ? AND ready = 1 LIMIT 100)';
const NEXT_REST = 'SELECT min(begun_at) AS begun FROM job_group WHERE queue = ? AND rests = 1';
const OVER = `number IN (SELECT number FROM job_group WHERE queue = ? AND begun_at <= ? ORDER BY begun_at LIMIT ${MAX_STEPS_ASIDE})`;
const DROP_OVER = `DELETE FROM job_group WHERE active = 0 AND rank IS NULL AND ${OVER}`;
const END_OVER = `UPDATE job_group SET begun_at = NULL, used = 0, rests = 0, ready = rank IS NOT NULL WHERE ${OVER}`;
const ALL_READY = 'UPDATE job_group SET ready = 1, rests = 0 WHERE queue = ? AND rank IS NOT NULL';
const DROP_WINDOWS = 'DELETE FROM job_group WHERE queue = ? AND active = 0 AND rank IS NULL';
const END_WINDOWS = 'UPDATE job_group SET begun_at = NULL, used = 0 WHERE queue = ? AND begun_at IS NOT NULL';

const ADD = 'INSERT INTO job_aside (queue, team, rank, place, job) VALUES (?, ?, ?, ?, ?)';
const REMOVE = 'DELETE FROM job_aside WHERE job = ?';
const FIRST = 'SELECT rank, place, job FROM job_aside WHERE team = ? ORDER BY rank, place LIMIT 1';
const IS_ASIDE = 'SELECT 1 FROM job_aside WHERE job = ?';
const NAMES = `SELECT in_group AS name, count(*) AS n FROM job WHERE number IN (SELECT value FROM json_each(?)) AND in_group IS NOT NULL
  GROUP BY in_group`;

export const readyGroups = (engine: Engine, queue: number): number => Number(engine.sql(COUNT_READY).get(queue)?.n);

/**
 * The groups of a queue within one transaction. Each change is written at once; what was read of a group is kept until the queue's limits or windows change.
 */
export class Groups {
  readonly #engine: Engine;
  readonly #row: QueueRow;
  readonly #now: number;
  readonly #known = new Map<string, Group>();
  /** null when none is ready; undefined when that is to be looked up. */
  #ready: { readonly group: string; readonly priority: number } | null | undefined;

  constructor(engine: Engine, row: QueueRow, now: number) {
    this.#engine = engine;
    this.#row = row;
    this.#now = now;
  }

  get #limits(): RunLimits {
    return this.#row.limits?.group ?? {};
  }

  /** The queue's limits have changed. */
  limit(): void {
    const { number } = this.#row;
    this.#forget();
    this.#engine.sql(ALL_READY).run(number);
    if (this.#limits.rate) return;
    this.#engine.sql(DROP_WINDOWS).run(number);
    this.#engine.sql(END_WINDOWS).run(number);
  }

  /** Windows that are over give room. */
  endWindows(): void {
    const { rate } = this.#limits;
    if (!rate) return;
    const before = this.#now - rate.ms;
    for (const text of [DROP_OVER, END_OVER]) this.#engine.sql(text).run(this.#row.number, before);
    this.#forget();
  }

  /** When the first window ends that keeps jobs aside. */
  nextEnd(): number | null {
    const { rate } = this.#limits;
    if (!rate || this.#row.aside === 0) return null;
    const begun = this.#engine.sql(NEXT_REST).get(this.#row.number)?.begun;
    return begun == null ? null : Number(begun) + rate.ms;
  }

  get ready(): { readonly group: string; readonly priority: number } | undefined {
    if (this.#row.aside === 0) return undefined;
    if (this.#ready === undefined) {
      const row = this.#engine.sql(READY).get(this.#row.number);
      this.#ready = row ? { group: String(row.name), priority: -Number(row.rank) } : null;
    }
    return this.#ready ?? undefined;
  }

  hasRoom(name: string): boolean {
    return roomWithin(this.#limits, this.#find(name), this.#now) > 0;
  }

  started(name: string, count = 1): void {
    const group = this.#find(name);
    this.#row.grouped += count;
    group.active += count;
    const { rate } = this.#limits;
    if (rate) Object.assign(group, afterStarts(rate, group, count, this.#now));
    this.#save(group);
  }

  /** Of these jobs, by their numbers, those that are in a group do not run any more. */
  ended(jobs: readonly number[]): void {
    if (this.#row.grouped === 0) return;
    for (const { name, n } of this.#engine.sql(NAMES).all(JSON.stringify(jobs))) {
      const group = this.#find(String(name));
      this.#row.grouped -= Number(n);
      group.active -= Number(n);
      if (group.rank !== null) this.#mayHaveRoom(group);
      this.#save(group);
    }
  }

  /** Whether a job that goes to the front of the queue goes to the group's line. */
  lines(name: string): boolean {
    return this.#row.limits?.group !== undefined || (this.#row.aside > 0 && this.#find(name).rank !== null);
  }

  /** To the front of its group's line, which may have room. */
  addFront({ number, priority }: Pick<Job, 'number' | 'priority'>, name: string): void {
    const group = this.#find(name);
    this.#add(group, -priority, --this.#row.front, number);
    this.#mayHaveRoom(group);
    this.#save(group);
  }

  /** The group has no room now. */
  stepAside(job: number, priority: number, name: string): void {
    const group = this.#find(name);
    this.#add(group, -priority, ++this.#row.back, job);
    this.rest(name);
  }

  /** A group has no room now. */
  rest(name: string): void {
    const group = this.#find(name);
    const rests = restsUntil(this.#limits, group, this.#now) === null ? 0 : 1;
    if (group.ready === 0 && group.rests === rests) return;
    if (group.ready === 1) this.#ready = undefined;
    Object.assign(group, { ready: 0, rests });
    this.#save(group);
  }

  /** The number of the next job aside of a group, which stands nowhere now. */
  shift(name: string): number {
    const group = this.#find(name);
    const job = Number(this.#engine.sql(FIRST).get(group.number)?.job);
    this.#remove(group, job);
    return job;
  }

  isAside(job: number): boolean {
    return this.#row.aside > 0 && this.#engine.sql(IS_ASIDE).get(job) !== undefined;
  }

  remove(job: Job): void {
    if (job.in_group !== null) this.#remove(this.#find(job.in_group), job.number);
  }

  #remove(group: Group, job: number): void {
    this.#engine.sql(REMOVE).run(job);
    this.#row.aside -= 1;
    this.#ready = undefined;
    const first = this.#engine.sql(FIRST).get(group.number);
    if (first) Object.assign(group, { rank: Number(first.rank), place: Number(first.place) });
    else Object.assign(group, { rank: null, place: null, ready: 0, rests: 0 });
    this.#save(group);
  }

  #add(group: Group, rank: number, place: number, job: number): void {
    this.#row.aside += 1;
    const first = group.rank === null || rank < group.rank || (rank === group.rank && place < (group.place ?? 0));
    if (first) {
      Object.assign(group, { rank, place });
      this.#ready = undefined;
      this.#save(group);
    }
    this.#engine.sql(ADD).run(this.#row.number, group.number, rank, place, job);
  }

  #mayHaveRoom(group: Group): void {
    Object.assign(group, { ready: 1, rests: 0 });
    this.#ready = undefined;
  }

  #find(name: string): Group {
    const known = this.#known.get(name);
    if (known) return known;
    const found = this.#engine.sql(FIND).get(this.#row.number, name) as unknown as Group | undefined;
    const group = found ? { ...found } : { ...NEW, name };
    this.#known.set(name, group);
    return group;
  }

  #forget(): void {
    this.#known.clear();
    this.#ready = undefined;
  }

  #save(group: Group): void {
    const { name, active, begunAt, used, rank, place, ready, rests } = group;
    if (active === 0 && begunAt === null && rank === null) {
      if (group.number !== null) this.#engine.sql(DROP).run(group.number);
      group.number = null;
      return;
    }
    group.number ??= Number(this.#engine.sql(CREATE).run(this.#row.number, name).lastInsertRowid);
    this.#engine.sql(SAVE).run(active, begunAt, used, rank, place, ready, rests, group.number);
  }
}
