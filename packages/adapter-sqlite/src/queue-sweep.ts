import type { SweepPolicy, Swept } from '@portolan/core';
import { isLimited } from './queue-claim.ts';
import { finish } from './queue-end.ts';
import { owes } from './queue-kin.ts';
import { scheduleInMs } from './queue-schedule.ts';
import { leaveExpired, takeExpired } from './queue-session.ts';
import { type QueueState, STEP } from './queue-state.ts';
import { trim } from './queue-trim.ts';

/** Sessions ended per step, unless their jobs fill it before. */
const MOST_SESSIONS = 50;

/** Takes the jobs of expired sessions back and trims the finished ones, in one bounded step. */
export function sweep(state: QueueState, policy: SweepPolicy): Swept {
  const { engine, row, now } = state;
  const recovered: string[] = [];
  const failed: string[] = [];
  const expired = takeExpired(engine, row.number, now, MOST_SESSIONS);
  const lost: { readonly number: number; readonly startedAt: number; readonly id: string }[] = [];
  let more = expired.length === MOST_SESSIONS;
  for (const { id, held } of expired) {
    for (const [job, lease] of held) {
      if (lost.length === STEP) break;
      lost.push({ id: job, ...lease });
      held.delete(job);
    }
    if (held.size === 0) continue;
    leaveExpired(engine, row.number, id, held);
    more = true;
  }
  state.groups.ended(lost.map(({ number }) => number));
  // The first to arrive ends up in front.
  for (const { id, number, startedAt } of lost.sort((a, b) => (a.id < b.id ? 1 : -1))) {
    const job = state.get(number);
    row.active -= 1;
    Object.assign(job, { runs: job.runs + 1, stalls: job.stalls + 1, started_at: startedAt });
    if (job.asked) finish(state, job, 'cancelled');
    else if (job.stalls > policy.maxStalls) {
      job.error = policy.error;
      finish(state, job, 'failed');
      failed.push(id);
    } else {
      state.enter(job, 0, true);
      recovered.push(id);
    }
  }
  if (isLimited(row)) state.groups.endWindows();
  more = trim(state, policy.retention) || more;
  return { recovered, failed, more, active: row.active > 0, scheduleInMs: scheduleInMs(state), owes: owes(state) };
}
