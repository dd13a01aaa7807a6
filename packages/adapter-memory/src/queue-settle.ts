import type { Settlement } from '@portolan/core';
import type { QueueState, Session } from './queue-state.ts';

/** Ends one run. False, and nothing done, when the session does not lease the job. */
export function settle(state: QueueState, session: Session, settlement: Settlement, now: number): boolean {
  const job = session.jobs.get(settlement.id);
  if (!job) return false;
  state.leave(job);
  session.jobs.delete(job.id);
  if (settlement.outcome !== 'released') job.runs += 1;
  if (settlement.outcome === 'completed') job.result = settlement.result;
  else if (settlement.outcome !== 'released') job.error = settlement.error;
  if (settlement.outcome === 'retry' || settlement.outcome === 'released') {
    if (job.cancelAsked) state.finish(job, 'cancelled', now);
    else state.enter(job, now, settlement.delayMs, settlement.outcome === 'released');
  } else {
    state.finish(job, settlement.outcome, now);
  }
  return true;
}
