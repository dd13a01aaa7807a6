import type { ExchangeRequest, ExchangeResult, LeasedJob, Settlement } from '@portolan/core';
import { claimSome, dueInMs } from './queue-claim.ts';
import { type End, end, finish } from './queue-end.ts';
import { owe, owes } from './queue-kin.ts';
import { findSession, type Held, type Reply, saveSession } from './queue-session.ts';
import type { QueueState } from './queue-state.ts';
import { trimNumber } from './queue-trim.ts';
import { fromColumn } from './text.ts';

const LEASED = 'SELECT number, id, body, runs, stalls FROM job WHERE number = ?';

/** Settles, promotes what is due, claims; a repeat answers what the first call did. */
export function exchange(state: QueueState, request: ExchangeRequest): ExchangeResult {
  const { engine, row, now } = state;
  const { session: id, nonce, retention, settled } = request;
  const { alive, held, nonce: last, reply } = findSession(engine, row.number, id);
  const expiresAt = now + request.leaseMs;
  const repeated = last === nonce && reply;
  let jobs: LeasedJob[];
  let finished = true;
  let told: Reply;
  if (repeated) {
    told = { ...reply, created: reply.created || !alive };
    jobs = again(state, held, reply.claimed);
  } else {
    const refused = settleAll(state, held, settled);
    if (settled.length > 0) trimNumber(state, retention);
    state.promote();
    ({ jobs, finished } = claimSome(state, held, request.claim));
    told = { created: !alive, claimed: jobs.length, refused };
  }
  saveSession(engine, row.number, id, now, { expiresAt, held, nonce, reply: told });
  return {
    created: told.created,
    jobs,
    refused: told.refused,
    cancel: toCancel(state, held),
    dueInMs: finished ? dueInMs(state) : 0,
    owes: owes(state),
  };
}

/** Ids of what the session leases that someone asked to cancel. */
export function toCancel(state: QueueState, held: Held): string[] {
  return held.size === 0 ? [] : state.asked.filter((id) => held.has(id));
}

/** Answers the ids that were not leased. */
function settleAll(state: QueueState, held: Held, settled: readonly Settlement[]): string[] {
  if (settled.length === 0) return [];
  const refused: string[] = [];
  const completed: End[] = [];
  if (state.row.grouped > 0) state.groups.ended(settled.flatMap(({ id }) => held.get(id)?.number ?? []));
  for (const settlement of settled) {
    const { id } = settlement;
    const leased = held.get(id);
    if (!leased) {
      refused.push(id);
      continue;
    }
    held.delete(id);
    state.row.active -= 1;
    const { number, startedAt } = leased;
    if (settlement.outcome === 'completed') {
      completed.push({ number, startedAt, result: settlement.result });
      owe(state, number, 'completed', settlement.result);
    } else settle(state, number, startedAt, settlement);
  }
  end(state, 'completed', completed);
  return refused;
}

type Incomplete = Exclude<Settlement, { readonly outcome: 'completed' }>;

function settle(state: QueueState, number: number, startedAt: number, settlement: Incomplete): void {
  const job = state.get(number);
  job.started_at = startedAt;
  if (settlement.outcome !== 'released') {
    job.runs += 1;
    job.error = settlement.error;
  }
  if (settlement.outcome === 'failed' || settlement.outcome === 'cancelled') finish(state, job, settlement.outcome);
  else if (job.asked) finish(state, job, 'cancelled');
  else state.enter(job, settlement.delayMs, settlement.outcome === 'released');
}

/** The last leases, as they were answered. None when they were taken away meanwhile. */
function again({ engine }: QueueState, held: Held, claimed: number): LeasedJob[] {
  return [...held.values()].slice(held.size - Math.min(claimed, held.size)).map(({ number, startedAt }) => {
    const row = engine.sql(LEASED).get(number);
    const attempt = Number(row?.runs) + 1;
    return { id: String(row?.id), body: fromColumn(row?.body), attempt, stalls: Number(row?.stalls), startedAt };
  });
}
