import {
  HELD_DUE_AT,
  type JobState,
  type NewJob,
  type QueueLimits,
  type Retention,
  type ScheduleRecord,
  type TransferredJob,
} from '@portolan/core';
import { Groups } from './queue-groups.ts';
import { type Job, newJob, STANDS_NOWHERE } from './queue-job.ts';
import { Lane } from './queue-lane.ts';
import { OwedParts } from './queue-owed.ts';

type FinishedState = 'completed' | 'failed' | 'cancelled';

export interface Session {
  expiresAt: number;
  readonly jobs: Map<string, Job>;
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
  readonly owed = new OwedParts();
  paused = false;
  limits: QueueLimits | null = null;
  /** Of the queue's rate. */
  window: { readonly begunAt: number | null; readonly used: number } = { begunAt: null, used: 0 };
  readonly groups = new Groups();
  #waiting = 0;
  readonly #lanes = new Map<number, Lane>();
  /** Jobs that stopped waiting and still have a place in their lane. */
  readonly #holes = new Set<Job>();

  get waiting(): number {
    return this.#waiting;
  }

  create(job: NewJob, now: number): void {
    const made = newJob(job);
    this.jobs.set(made.id, made);
    if (made.dedupeKey !== undefined) this.dedupe.set(made.dedupeKey, made);
    this.admit(made, now, job.delayMs);
  }

  /** Puts in a job of another store, unless it is here. */
  load({ of: _, queue: __, attempts, dedupeKey, logs, ...parts }: TransferredJob): void {
    if (this.jobs.has(parts.id)) return;
    const unfinished = parts.state === 'waiting' || parts.state === 'delayed';
    const key = unfinished && dedupeKey !== null && !this.dedupe.has(dedupeKey) ? dedupeKey : undefined;
    const job: Job = { ...parts, ...STANDS_NOWHERE, dedupeKey: key, runs: attempts, parts: new Map(), logs: [...logs] };
    this.jobs.set(job.id, job);
    if (key !== undefined) this.dedupe.set(key, job);
    if (parts.state === 'waiting') this.enter(job, 0, 0, false);
    else if (parts.state === 'delayed') this.#delay(job, job.dueAt ?? HELD_DUE_AT);
    else insert(this.finished[parts.state], job, (one) => one.finishedAt ?? 0);
  }

  /** A job that stands nowhere waits, is delayed, or is held while it awaits parts. */
  admit(job: Job, now: number, delayMs = 0): void {
    if (job.awaits) this.#delay(job, HELD_DUE_AT);
    else this.enter(job, now, delayMs, false);
  }

  isHeld(job: Job): boolean {
    return job.dueAt === HELD_DUE_AT;
  }

  /** When the next delayed job is due; null when none will be. */
  get nextDue(): number | null {
    const due = this.delayed[0]?.dueAt ?? HELD_DUE_AT;
    return due === HELD_DUE_AT ? null : due;
  }

  #delay(job: Job, dueAt: number): void {
    job.state = 'delayed';
    job.dueAt = dueAt;
    insert(this.delayed, job, (one) => one.dueAt ?? 0);
  }

  /** A job that stands nowhere becomes waiting or delayed. */
  enter(job: Job, now: number, delayMs: number, front: boolean): void {
    job.session = undefined;
    if (delayMs > 0) {
      this.#delay(job, now + delayMs);
      return;
    }
    job.state = 'waiting';
    job.dueAt = null;
    this.#waiting += 1;
    if (this.#holes.delete(job)) return;
    if (front && job.group !== null && this.groups.lines(job.group)) {
      this.groups.addFront(job, job.group);
      return;
    }
    const lane = this.#lanes.get(job.priority) ?? new Lane();
    this.#lanes.set(job.priority, lane);
    lane.add(job, front);
  }

  /** Takes an unfinished or finished job out of where it stands. */
  leave(job: Job): void {
    if (job.state === 'waiting') {
      this.#waiting -= 1;
      if (job.group !== null && job.aside !== null) this.groups.remove(job, job.group);
      else this.#holes.add(job);
    } else if (job.state === 'delayed') this.delayed.splice(this.delayed.indexOf(job), 1);
    else if (job.state === 'active') {
      this.active.delete(job);
      if (job.group !== null) this.groups.ended(job.group);
      if (job.session !== undefined) this.sessions.get(job.session)?.jobs.delete(job.id);
    } else {
      const list = this.finished[job.state];
      list.splice(list.indexOf(job), 1);
    }
    job.dueAt = null;
  }

  /** The first of the line, which stays there. */
  head(): Job | undefined {
    for (const [, lane] of this.#sortedLanes()) {
      for (let job = lane.first; job; job = lane.first) {
        if (!this.#holes.delete(job)) return job;
        lane.shift();
      }
    }
    return undefined;
  }

  /** The first of the line, which stands nowhere now. */
  shift(): Job | undefined {
    const job = this.head();
    if (!job) return undefined;
    this.#lanes.get(job.priority)?.shift();
    this.#waiting -= 1;
    return job;
  }

  /** The first of the line, whose group has no room, goes to the group's line. */
  stepAside(now: number): void {
    const job = this.shift();
    if (!job || job.group === null) return;
    this.#waiting += 1;
    this.groups.stepAside(job, job.group, now);
  }

  /** The first job aside of a group, which stands nowhere now. */
  shiftAside(group: string): Job {
    this.#waiting -= 1;
    return this.groups.shift(group);
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
    this.owed.add(job, state, now);
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
        .filter((job) => !this.#holes.has(job))
        .concat(this.groups.list());
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
