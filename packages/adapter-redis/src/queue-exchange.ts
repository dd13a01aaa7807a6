import type { ExchangeRequest, ExchangeResult, LeasedJob, Settlement } from '@portolan/core';
import type { RedisArgument } from './connection.ts';

/** The answer of queue-scripts/exchange.ts. */
type Answer = readonly [
  created: number,
  startedAt: string,
  jobs: readonly string[] | null,
  marks: readonly (string | null)[] | null,
  refused: readonly string[] | null,
  cancel: readonly string[] | null,
  dueInMs: number,
  owes: number,
];

export function exchangeArgs(request: ExchangeRequest): RedisArgument[] {
  const { session, nonce, leaseMs, claim, retention, settled } = request;
  const args: RedisArgument[] = [session, nonce, leaseMs, claim, retention.completed.count, retention.failed.count];
  for (const settlement of settled) pushSettlement(args, settlement);
  return args;
}

function pushSettlement(args: RedisArgument[], settlement: Settlement): void {
  const { id, outcome } = settlement;
  if (outcome === 'completed') args.push(id, outcome, 0, settlement.result);
  else if (outcome === 'released') args.push(id, outcome, settlement.delayMs, '');
  else args.push(id, outcome, outcome === 'retry' ? settlement.delayMs : 0, settlement.error);
}

export function readExchange(reply: unknown): ExchangeResult {
  const [created, started, flat, marks, refused, cancel, due, owes] = reply as Answer;
  const startedAt = Number(started);
  const jobs: LeasedJob[] = [];
  for (let at = 0; flat && at < flat.length; at += 2) {
    const [runs, stalls] = marks?.[at / 2]?.split(':', 2) ?? [0, 0];
    jobs.push({
      id: String(flat[at]),
      body: String(flat[at + 1]),
      attempt: Number(runs) + 1,
      stalls: Number(stalls),
      startedAt,
    });
  }
  return {
    created: created === 1,
    jobs,
    refused: refused ?? [],
    cancel: cancel ?? [],
    dueInMs: due < 0 ? null : due,
    owes: owes === 1,
  };
}
