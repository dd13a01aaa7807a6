import type { ExchangeRequest, ExchangeResult, Settlement } from '@portolan/core';
import type { RedisArgument } from './connection.ts';

/** The answer of queue-scripts/exchange.ts. */
type Answer = readonly [
  created: number,
  startedAt: string,
  ids: readonly string[],
  bodies: readonly string[],
  marks: readonly (string | null)[],
  refused: readonly string[],
  cancel: readonly string[],
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
  const [created, started, ids, bodies, marks, refused, cancel, due, owes] = reply as Answer;
  const startedAt = Number(started);
  return {
    created: created === 1,
    jobs: ids.map((id, at) => {
      const [runs, stalls] = marks[at]?.split(':', 2) ?? [0, 0];
      return { id, body: String(bodies[at]), attempt: Number(runs) + 1, stalls: Number(stalls), startedAt };
    }),
    refused,
    cancel,
    dueInMs: due < 0 ? null : due,
    owes: owes === 1,
  };
}
