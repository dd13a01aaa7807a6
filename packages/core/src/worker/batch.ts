import { type LeasedJob, MAX_CALL_TEXT, type Settlement } from '../ports/queue-exchange.ts';
import type { Verdict } from './settle.ts';

/** At most this many jobs are settled, and as many claimed, in one exchange. */
export const MAX_BATCH = 500;

/** How many of the first go into one exchange; at least one if there are any. */
export function batchOf(ended: readonly { readonly verdict: Verdict }[]): number {
  const most = Math.min(ended.length, MAX_BATCH);
  let characters = 0;
  for (let at = 0; at < most; at += 1) {
    characters += textOf(ended[at]?.verdict.settlement).length;
    if (characters > MAX_CALL_TEXT) return Math.max(at, 1);
  }
  return most;
}

function textOf(settlement: Settlement | undefined): string {
  if (settlement === undefined || settlement.outcome === 'released') return '';
  return settlement.outcome === 'completed' ? settlement.result : settlement.error;
}

/** How many jobs as large as these fit into one exchange, at least one. Undefined without jobs. */
export function fitting(jobs: readonly LeasedJob[]): number | undefined {
  if (jobs.length === 0) return undefined;
  let characters = 0;
  for (const { body } of jobs) characters += body.length;
  return Math.max(Math.floor((MAX_CALL_TEXT * jobs.length) / Math.max(characters, 1)), 1);
}
