import type { SweepPolicy, Swept } from '@portolan/core';
import type { Job } from './queue-job.ts';
import { scheduleInMs } from './queue-schedule.ts';
import type { QueueState } from './queue-state.ts';

/** Takes back the jobs of every expired session, and trims the finished ones. */
export function sweep(state: QueueState, policy: SweepPolicy, now: number): Swept {
  const recovered: string[] = [];
  const failed: string[] = [];
  const lost: Job[] = [];
  for (const [id, session] of state.sessions) {
    if (session.expiresAt > now) continue;
    state.sessions.delete(id);
    lost.push(...session.jobs.values());
  }
  // The first to arrive ends up in front.
  for (const job of lost.sort((a, b) => (a.id < b.id ? 1 : -1))) {
    state.leave(job);
    job.runs += 1;
    job.stalls += 1;
    if (job.cancelAsked) state.finish(job, 'cancelled', now);
    else if (job.stalls > policy.maxStalls) {
      job.error = policy.error;
      state.finish(job, 'failed', now);
      failed.push(job.id);
    } else {
      state.enter(job, now, 0, true);
      recovered.push(job.id);
    }
  }
  state.trim(policy.retention, now);
  const active = state.active.size > 0;
  const owes = state.owed.due(now);
  return { recovered, failed, more: false, active, scheduleInMs: scheduleInMs(state, now), owes };
}
