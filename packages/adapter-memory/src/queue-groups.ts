import { afterStarts, isOver, type QueueLimits, type RunLimits, restsUntil, roomWithin } from '@portolan/core';
import type { Job } from './queue-job.ts';

interface Group {
  readonly name: string;
  active: number;
  begunAt: number | null;
  used: number;
  /** The jobs that stepped aside, next to run first. */
  readonly aside: Job[];
}

const NOTHING: RunLimits = {};

/** The groups of a queue that have active jobs, jobs aside, or a window under way. */
export class Groups {
  /** Jobs aside. */
  size = 0;
  readonly #groups = new Map<string, Group>();
  /** Groups with jobs aside that may have room, by their first job; the others with jobs aside had none when last looked at. */
  readonly #ready: Group[] = [];
  readonly #full = new Set<Group>();
  /** Full ones to which the end of their window gives room. */
  readonly #resting = new Set<Group>();
  /** Groups with a window, the one that began first first. */
  readonly #windows = new Set<Group>();
  /** The last places given at either end of the groups' lines. */
  #front = 0;
  #back = 0;
  #limits: RunLimits = NOTHING;

  /** Whether a job that goes to the front of the queue goes to the group's line. */
  lines(name: string): boolean {
    return this.#limits !== NOTHING || (this.#groups.get(name)?.aside.length ?? 0) > 0;
  }

  limit(limits: QueueLimits | null): void {
    this.#limits = limits?.group ?? NOTHING;
    for (const group of [...this.#full]) this.#mayHaveRoom(group);
    if (this.#limits.rate) return;
    for (const group of this.#windows) this.#endWindow(group);
  }

  /** Windows that are over give room. */
  endWindows(now: number): void {
    const { rate } = this.#limits;
    for (const group of this.#windows) {
      if (!rate || !isOver(rate, group.begunAt, now)) return;
      this.#endWindow(group);
      if (this.#full.has(group)) this.#mayHaveRoom(group);
    }
  }

  /** When the first window ends that keeps jobs aside. */
  nextEnd(now: number): number | null {
    const ends = [...this.#resting].map((group) => restsUntil(this.#limits, group, now) ?? now);
    return ends.length === 0 ? null : ends.reduce((a, b) => Math.min(a, b));
  }

  get ready(): { readonly group: string; readonly priority: number } | undefined {
    const [first] = this.#ready;
    return first && { group: first.name, priority: headOf(first).priority };
  }

  hasRoom(name: string, now: number): boolean {
    return roomWithin(this.#limits, this.#groups.get(name) ?? { active: 0, begunAt: null, used: 0 }, now) > 0;
  }

  started(name: string, now: number): void {
    const group = this.#group(name);
    group.active += 1;
    const { rate } = this.#limits;
    if (!rate) return;
    if (isOver(rate, group.begunAt, now)) this.#windows.delete(group);
    Object.assign(group, afterStarts(rate, group, 1, now));
    this.#windows.add(group);
  }

  ended(name: string): void {
    const group = this.#group(name);
    group.active -= 1;
    if (this.#full.has(group)) this.#mayHaveRoom(group);
    this.#tidy(group);
  }

  /** To the front of its group's line, which may have room. */
  addFront(job: Job, name: string): void {
    const group = this.#group(name);
    this.#unseat(group);
    this.#add(job, group, --this.#front);
    this.#mayHaveRoom(group);
  }

  /** The group has no room now. */
  stepAside(job: Job, name: string, now: number): void {
    const group = this.#group(name);
    this.#unseat(group);
    this.#add(job, group, ++this.#back);
    this.rest(name, now);
  }

  /** A group has no room now. */
  rest(name: string, now: number): void {
    const group = this.#group(name);
    this.#unseat(group);
    this.#full.add(group);
    if (restsUntil(this.#limits, group, now) !== null) this.#resting.add(group);
  }

  /** The next job aside of a group, which stands nowhere now. */
  shift(name: string): Job {
    const job = headOf(this.#group(name));
    this.remove(job, name);
    return job;
  }

  remove(job: Job, name: string): void {
    const group = this.#group(name);
    const ready = this.#unseat(group);
    group.aside.splice(group.aside.indexOf(job), 1);
    job.aside = null;
    this.size -= 1;
    if (group.aside.length === 0) this.#leaveFull(group);
    else if (ready) this.#seat(group);
    this.#tidy(group);
  }

  list(): Job[] {
    return [...this.#groups.values()].flatMap((group) => group.aside).sort((a, b) => (comesBefore(a, b) ? -1 : 1));
  }

  #group(name: string): Group {
    const known = this.#groups.get(name);
    const group = known ?? { name, active: 0, begunAt: null, used: 0, aside: [] };
    if (!known) this.#groups.set(name, group);
    return group;
  }

  #add(job: Job, group: Group, place: number): void {
    job.aside = place;
    insert(group.aside, job, (one) => one);
    this.size += 1;
  }

  #tidy(group: Group): void {
    if (group.active === 0 && group.aside.length === 0 && group.begunAt === null) this.#groups.delete(group.name);
  }

  #endWindow(group: Group): void {
    this.#windows.delete(group);
    Object.assign(group, { begunAt: null, used: 0 });
    this.#tidy(group);
  }

  #mayHaveRoom(group: Group): void {
    this.#leaveFull(group);
    this.#seat(group);
  }

  #leaveFull(group: Group): void {
    this.#full.delete(group);
    this.#resting.delete(group);
  }

  #seat(group: Group): void {
    insert(this.#ready, group, headOf);
  }

  /** Before its first job changes. True when it was seated. */
  #unseat(group: Group): boolean {
    const at = this.#ready.indexOf(group);
    if (at >= 0) this.#ready.splice(at, 1);
    return at >= 0;
  }
}

const headOf = (group: Group): Job => group.aside[0] as Job;

function comesBefore(a: Job, b: Job): boolean {
  return a.priority === b.priority ? (a.aside ?? 0) < (b.aside ?? 0) : a.priority > b.priority;
}

/** Into a list in the order of jobs aside. */
function insert<T>(list: T[], item: T, jobOf: (item: T) => Job): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comesBefore(jobOf(list[middle] as T), jobOf(item))) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}
