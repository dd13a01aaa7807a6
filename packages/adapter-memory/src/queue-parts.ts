import { type Amended, type DeliveredPart, type FlowAmendment, MAX_PARTS } from '@portolan/core';
import type { Job } from './queue-job.ts';
import type { QueueState } from './queue-state.ts';

type Deliver = Extract<FlowAmendment, { readonly do: 'deliver' }>;

/** Puts a part with the job that awaits it, which waits or fails over it where it is held. */
export function deliver(state: QueueState, job: Job, { part, turn, text, fail }: Deliver, now: number): Amended {
  const { parts } = job;
  const known = parts.get(part);
  if (job.awaits === null || (!known && (job.awaits === 0 || parts.size >= MAX_PARTS))) return 'refused';
  if (known && known.turn >= turn) return 'done';
  const fails = fail !== undefined;
  parts.set(part, { part, turn, fails, text });
  const counted = known !== undefined && !known.fails;
  job.awaits += Number(fails && counted) - Number(!fails && !counted);
  if (!state.isHeld(job)) return 'done';
  if (fails) {
    state.leave(job);
    job.error = fail;
    state.finish(job, 'failed', now);
  } else if (job.awaits <= 0) {
    state.leave(job);
    state.enter(job, now, 0, false);
  }
  return 'done';
}

/** Puts in a part of another store, whose job has counted it. */
export function loadPart(job: Job | undefined, { part, turn, fails, text }: DeliveredPart): void {
  if (job && (job.parts.get(part)?.turn ?? 0) < turn) job.parts.set(part, { part, turn, fails, text });
}

export function sortedParts({ parts }: Job): DeliveredPart[] {
  return [...parts.values()].sort((a, b) => (a.part < b.part ? -1 : 1));
}
