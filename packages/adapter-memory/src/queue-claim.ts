import {
  afterStarts,
  claimWithin,
  type ExchangeRequest,
  type LeasedJob,
  type QueueLimits,
  restsUntil,
  roomWithin,
} from '@portolan/core';
import type { Job } from './queue-job.ts';
import type { QueueState, Session } from './queue-state.ts';

export interface Claim {
  readonly jobs: LeasedJob[];
  /** False when it stopped early, having moved as many jobs aside as one claim may. */
  readonly finished: boolean;
}

/** Leases jobs to a session, as far as the limits allow. */
export function claim(state: QueueState, request: ExchangeRequest, session: Session, now: number): Claim {
  state.groups.endWindows(now);
  if (state.paused) return { jobs: [], finished: true };
  const jobs: LeasedJob[] = [];
  function take(job: Job): void {
    job.state = 'active';
    job.session = request.session;
    job.startedAt = now;
    state.active.add(job);
    session.jobs.set(job.id, job);
    if (job.group !== null) state.groups.started(job.group, now);
    jobs.push({ id: job.id, body: job.body, attempt: job.runs + 1, stalls: job.stalls, startedAt: now });
  }
  const line = {
    ready: () => state.groups.ready,
    head: () => state.head(),
    hasRoom: (group: string) => state.groups.hasRoom(group, now),
    takeHead: () => take(state.shift() as Job),
    takeAside: (group: string) => take(state.shiftAside(group)),
    stepAside: () => state.stepAside(now),
    rest: (group: string) => state.groups.rest(group, now),
  };
  const finished = claimWithin(line, Math.min(request.claim, room(state, now)));
  const rate = state.limits?.rate;
  if (rate && jobs.length > 0) state.window = afterStarts(rate, { active: 0, ...state.window }, jobs.length, now);
  return { jobs, finished };
}

export function limit(state: QueueState, limits: QueueLimits | null): void {
  state.limits = limits;
  if (!limits?.rate) state.window = { begunAt: null, used: 0 };
  state.groups.limit(limits);
}

/** Whether a claim might take something, as far as can be told without one. */
export function hasClaimable(state: QueueState, now: number): boolean {
  return !state.paused && hasNext(state) && room(state, now) > 0;
}

/** When something may be claimed that cannot be now: the next delayed job is due, or a window ends for which jobs wait. */
export function nextDue(state: QueueState, now: number): number | null {
  const ends = !state.paused && hasNext(state) && state.limits ? restsUntil(state.limits, load(state), now) : null;
  const all = [state.nextDue, state.groups.nextEnd(now), ends].filter((at) => at !== null);
  return all.length === 0 ? null : Math.min(...all);
}

/** A job that no limit of a group holds back, as far as is known. */
function hasNext({ waiting, groups }: QueueState): boolean {
  return waiting > groups.size || groups.ready !== undefined;
}

const load = ({ active, window }: QueueState) => ({ active: active.size, ...window });

function room(state: QueueState, now: number): number {
  return state.limits ? roomWithin(state.limits, load(state), now) : Number.POSITIVE_INFINITY;
}
