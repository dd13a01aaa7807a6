import { type Amended, type Amendment, MAX_LOG_LINES, type ScheduleAmendment } from '@portolan/core';
import { limit } from './queue-claim.ts';
import { deliver } from './queue-parts.ts';
import type { QueueState } from './queue-state.ts';

export function amend(state: QueueState, amendment: Exclude<Amendment, ScheduleAmendment>, now: number): Amended {
  if (amendment.do === 'limit') {
    limit(state, amendment.limits);
    return 'done';
  }
  if (amendment.do === 'strike') return state.owed.strike(amendment.id, amendment.turn) ? 'done' : 'missing';
  if (amendment.do === 'defer') {
    const { id, turn, delayMs } = amendment;
    return state.owed.defer(id, turn, delayMs, now) ? 'done' : 'missing';
  }
  if (!('id' in amendment)) {
    state.paused = amendment.do === 'pause';
    return 'done';
  }
  const job = state.jobs.get(amendment.id);
  if (!job) return 'missing';
  const waits = job.state === 'waiting' || job.state === 'delayed';
  const ended = job.state === 'failed' || job.state === 'cancelled';
  switch (amendment.do) {
    case 'cancel':
      if (job.state === 'active') {
        job.cancelAsked = true;
        return 'asked';
      }
      if (!waits) return 'refused';
      state.leave(job);
      state.finish(job, 'cancelled', now);
      return 'done';
    case 'retry':
      if (!ended) return 'refused';
      state.leave(job);
      Object.assign(job, { runs: 0, stalls: 0, progress: null, error: null, startedAt: null, finishedAt: null });
      job.body = amendment.body ?? job.body;
      state.owed.takeBack(job.id);
      state.admit(job, now);
      return 'done';
    case 'promote':
      if (job.state !== 'delayed' || state.isHeld(job)) return 'refused';
      state.leave(job);
      state.enter(job, now, 0, false);
      return 'done';
    case 'remove':
      if (job.state === 'active') return 'refused';
      if (waits) state.owed.add(job, 'cancelled', now);
      state.leave(job);
      state.forget(job);
      return 'done';
    case 'progress':
      if (job.state !== 'active' || job.session !== amendment.session) return 'refused';
      job.progress = amendment.progress;
      return 'done';
    case 'deliver':
      return deliver(state, job, amendment, now);
    case 'log':
      if (job.state !== 'active' || job.session !== amendment.session) return 'refused';
      job.logs.push(...amendment.lines.map((line) => ({ at: now, line })));
      job.logs.splice(0, job.logs.length - MAX_LOG_LINES);
      return 'done';
  }
}
