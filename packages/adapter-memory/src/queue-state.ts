import type { JobRecord, JobState, NewJob, Retention, ScheduleRecord, TransferredJob } from '@portolan/core';

type FinishedState = 'completed' | 'failed' | 'cancelled';

export interface Job {
  readonly id: string;
  body: string;
  readonly priority: number;
  dedupeKey: string | undefined;
  state: JobState;
  /** Of an active job. */
  session: string | undefined;
  cancelAsked: boolean;
  /** Runs that ended, except those handed back. */
  runs: number;
  stalls: number;
  progress: string | null;
  result: string | null;
  error: string | null;
  dueAt: number | null;
  startedAt: number | null;
  finishedAt: number | null;
}

export interface Session {
  expiresAt: number;
  readonly jobs: Map<string, Job>;
}

/**
 * The waiting jobs of one priority. A job that stops to wait leaves a hole, which is dropped when its turn comes, so that nothing searches the line.
 */
class Lane {
  #front: Job[] = [];
  #items: Job[] = [];
  #head = 0;

  add(job: Job, front: boolean): void {
    (front ? this.#front : this.#items).push(job);
  }

  shift(): Job | undefined {
    if (this.#front.length > 0) return this.#front.pop();
    const job = this.#items[this.#head];
    if (!job) return undefined;
    this.#head += 1;
    if (this.#head > 1_000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return job;
  }

  /** With the holes. */
  list(): Job[] {
    return [...this.#front.toReversed(), ...this.#items.slice(this.#head)];
  }
}

/** One queue's jobs and their moves between states. It knows no policy of ports: who may move what is decided in queue.ts. */
export class QueueState {
  readonly jobs = new Map<string, Job>();
  readonly sessions = new Map<string, Session>();
  readonly dedupe = new Map<string, Job>();
  /** The next due first. */
  readonly delayed: Job[] = [];
  readonly active = new Set<Job>();
  /** Oldest first. */
  readonly finished: Record<FinishedState, Job[]> = { completed: [], failed: [], cancelled: [] };
  readonly schedules = new Map<string, ScheduleRecord>();
  paused = false;
  #waiting = 0;
  readonly #lanes = new Map<number, Lane>();
  /** Jobs that stopped waiting and still have a place in their lane. */
  readonly #holes = new Set<Job>();

  get waiting(): number {
    return this.#waiting;
  }

  create(job: NewJob, now: number): void {
    const made: Job = {
      id: job.id,
      body: job.body,
      priority: job.priority,
      dedupeKey: job.dedupeKey,
      state: 'waiting',
      session: undefined,
      cancelAsked: false,
      runs: 0,
      stalls: 0,
      progress: null,
      result: null,
      error: null,
      dueAt: null,
      startedAt: null,
      finishedAt: null,
    };
    this.jobs.set(made.id, made);
    if (made.dedupeKey !== undefined) this.dedupe.set(made.dedupeKey, made);
    this.enter(made, now, job.delayMs, false);
  }

  /** Puts in a job of another store, unless it is here. */
  load({ of: _, queue: __, attempts, dedupeKey, ...parts }: TransferredJob): void {
    if (this.jobs.has(parts.id)) return;
    const unfinished = parts.state === 'waiting' || parts.state === 'delayed';
    const key = unfinished && dedupeKey !== null && !this.dedupe.has(dedupeKey) ? dedupeKey : undefined;
    const job: Job = { ...parts, dedupeKey: key, session: undefined, cancelAsked: false, runs: attempts };
    this.jobs.set(job.id, job);
    if (key !== undefined) this.dedupe.set(key, job);
    if (parts.state === 'waiting') this.enter(job, 0, 0, false);
    else if (parts.state === 'delayed') insert(this.delayed, job, (one) => one.dueAt ?? 0);
    else insert(this.finished[parts.state], job, (one) => one.finishedAt ?? 0);
  }

  /** A job that stands nowhere becomes waiting or delayed. */
  enter(job: Job, now: number, delayMs: number, front: boolean): void {
    job.session = undefined;
    if (delayMs > 0) {
      job.state = 'delayed';
      job.dueAt = now + delayMs;
      insert(this.delayed, job, (one) => one.dueAt ?? 0);
      return;
    }
    job.state = 'waiting';
    job.dueAt = null;
    this.#waiting += 1;
    if (this.#holes.delete(job)) return;
    const lane = this.#lanes.get(job.priority) ?? new Lane();
    this.#lanes.set(job.priority, lane);
    lane.add(job, front);
  }

  /** Takes an unfinished or finished job out of where it stands. */
  leave(job: Job): void {
    if (job.state === 'waiting') {
      this.#waiting -= 1;
      this.#holes.add(job);
    } else if (job.state === 'delayed') this.delayed.splice(this.delayed.indexOf(job), 1);
    else if (job.state === 'active') {
      this.active.delete(job);
      if (job.session !== undefined) this.sessions.get(job.session)?.jobs.delete(job.id);
    } else {
      const list = this.finished[job.state];
      list.splice(list.indexOf(job), 1);
    }
    job.dueAt = null;
  }

  /** The next job to run, out of its lane; it stands nowhere now. */
  shift(): Job | undefined {
    for (const [, lane] of this.#sortedLanes()) {
      for (let job = lane.shift(); job; job = lane.shift()) {
        if (this.#holes.delete(job)) continue;
        this.#waiting -= 1;
        return job;
      }
    }
    return undefined;
  }

  /** A job that stands nowhere has finished. */
  finish(job: Job, state: FinishedState, now: number): void {
    job.state = state;
    job.session = undefined;
    job.cancelAsked = false;
    job.finishedAt = now;
    if (job.dedupeKey !== undefined && this.dedupe.get(job.dedupeKey) === job) this.dedupe.delete(job.dedupeKey);
    job.dedupeKey = undefined;
    insert(this.finished[state], job, (one) => one.finishedAt ?? 0);
  }

  /** Forgets a job that stands nowhere. */
  forget(job: Job): void {
    if (job.dedupeKey !== undefined && this.dedupe.get(job.dedupeKey) === job) this.dedupe.delete(job.dedupeKey);
    this.jobs.delete(job.id);
  }

  trim(retention: Retention, now: number): void {
    for (const state of ['completed', 'failed', 'cancelled'] as const) {
      const { count, ms } = state === 'completed' ? retention.completed : retention.failed;
      const list = this.finished[state];
      let over = Math.max(0, list.length - count);
      while (over < list.length && (list[over]?.finishedAt ?? now) <= now - ms) over += 1;
      for (const job of list.splice(0, over)) this.forget(job);
    }
  }

  /** The jobs of a state: next to run, next due, longest running or newest finished first. */
  list(state: JobState): readonly Job[] {
    if (state === 'waiting')
      return this.#sortedLanes()
        .flatMap(([, lane]) => lane.list())
        .filter((job) => !this.#holes.has(job));
    if (state === 'delayed') return this.delayed;
    if (state === 'active') {
      return [...this.active].sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0) || (a.id < b.id ? -1 : 1));
    }
    return this.finished[state].toReversed();
  }

  #sortedLanes(): [number, Lane][] {
    return [...this.#lanes].sort(([a], [b]) => b - a);
  }
}

/** Into a list sorted by time, then id. */
function insert(list: Job[], job: Job, timeOf: (job: Job) => number): void {
  const time = timeOf(job);
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = list[middle] as Job;
    if (timeOf(other) < time || (timeOf(other) === time && other.id < job.id)) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, job);
}

export function toRecord(job: Job): JobRecord {
  const { id, body, state, priority, stalls, progress, result, error, dueAt, startedAt, finishedAt } = job;
  const attempts = job.runs + (state === 'active' ? 1 : 0);
  return { id, body, state, priority, attempts, stalls, progress, result, error, dueAt, startedAt, finishedAt };
}
