import { type Amended, type Amendment, HELD_DUE_AT, type ScheduleAmendment } from '@portolan/core';
import { limit } from './queue-claim.ts';
import { finish, revive } from './queue-end.ts';
import { admit, deliver, mark } from './queue-flow.ts';
import { owe } from './queue-kin.ts';
import { addLog } from './queue-log.ts';
import { findSession } from './queue-session.ts';
import type { QueueState } from './queue-state.ts';

export function amend(state: QueueState, amendment: Exclude<Amendment, ScheduleAmendment>): Amended {
  if (amendment.do === 'limit') {
    limit(state, amendment.limits);
    return 'done';
  }
  if (!('id' in amendment)) {
    state.row.paused = amendment.do === 'pause' ? 1 : 0;
    return 'done';
  }
  if (amendment.do === 'strike' || amendment.do === 'defer') return mark(state, amendment);
  const job = state.find(amendment.id);
  if (!job) return 'missing';
  const now = state.stateOf(job);
  const unfinished = now === 'waiting' || now === 'delayed';
  switch (amendment.do) {
    case 'cancel':
      if (now === 'active') {
        job.asked = 1;
        state.update(job);
        return 'asked';
      }
      if (!unfinished) return 'refused';
      state.leave(job, 'hole');
      finish(state, job, 'cancelled');
      return 'done';
    case 'retry':
      if (now !== 'failed' && now !== 'cancelled') return 'refused';
      revive(state, job, now);
      Object.assign(job, { runs: 0, stalls: 0, progress: null, error: null, started_at: null });
      if (amendment.body !== undefined) state.setBody(job, amendment.body);
      admit(state, job);
      return 'done';
    case 'promote':
      if (now !== 'delayed' || job.due_at === HELD_DUE_AT) return 'refused';
      state.leave(job, 'gone');
      state.enter(job, 0);
      return 'done';
    case 'remove':
      if (now === 'active') return 'refused';
      if (unfinished) {
        owe(state, job.number, 'cancelled', null);
        state.leave(job, 'gone');
      } else revive(state, job, now);
      state.forget(job);
      return 'done';
    case 'log':
      if (!findSession(state.engine, state.row.number, amendment.session).held.has(job.id)) return 'refused';
      addLog(
        state.engine,
        job.number,
        amendment.lines.map((line) => ({ at: state.now, line })),
      );
      return 'done';
    case 'progress':
      if (!findSession(state.engine, state.row.number, amendment.session).held.has(job.id)) return 'refused';
      job.progress = amendment.progress;
      state.update(job);
      return 'done';
    case 'deliver':
      return deliver(state, job, amendment);
  }
}
