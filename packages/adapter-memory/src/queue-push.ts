import type { NewJob, PushedJob } from '@portolan/core';
import type { Job } from './queue-job.ts';
import type { QueueState } from './queue-state.ts';

/** `hint`: there is something to do, or sooner than it was. */
export interface Pushed extends PushedJob {
  readonly hint: boolean;
}

export function push(state: QueueState, job: NewJob, now: number): Pushed {
  if (state.jobs.has(job.id)) return { id: job.id, created: false, hint: false };
  const holder = job.dedupeKey === undefined ? undefined : state.dedupe.get(job.dedupeKey);
  if (holder && (job.dedupe ?? 'keep') === 'keep') return { id: holder.id, created: false, hint: false };
  if (holder && holder.state !== 'active') return replace(state, holder, job, now);
  if (holder) holder.dedupeKey = undefined;
  state.create(job, now);
  return { id: job.id, created: true, hint: true };
}

function replace(state: QueueState, holder: Job, { body, delayMs, dedupe }: NewJob, now: number): Pushed {
  const before = holder.dueAt;
  Object.assign(holder, { body, runs: 0, stalls: 0, progress: null, error: null, startedAt: null });
  const again = dedupe === 'debounce' && holder.state === 'delayed' && !state.isHeld(holder);
  if (again) {
    state.leave(holder);
    state.enter(holder, now, delayMs, false);
  }
  return { id: holder.id, created: false, hint: again && now + delayMs < (before ?? 0) };
}
