import { type LeasedJob, MAX_CALL_TEXT, type Settlement } from '../ports/queue-exchange.ts';
import type { Run } from './run.ts';
import type { Verdict } from './settle.ts';

/** A run that has ended, and what the store is told of it. */
export interface Finished {
  readonly run: Run;
  readonly verdict: Verdict;
}

/** At most this many jobs are settled, and as many claimed, in one exchange. */
export const MAX_BATCH = 500;

/** Takes what goes into one exchange. Each that is handed back goes to the front of the line: the last claimed is told first, so that they stand there as they did before. */
export function takeBatch(finished: Finished[]): readonly Finished[] {
  if (finished.some(isHandedBack)) {
    finished.sort((one, other) => {
      const [first, second] = [isHandedBack(one), isHandedBack(other)];
      return first && second ? other.run.order - one.run.order : Number(first) - Number(second);
    });
  }
  return finished.splice(0, batchOf(finished));
}

const isHandedBack = ({ verdict: { settlement } }: Finished): boolean =>
  settlement.outcome === 'released' && settlement.delayMs === 0;

/** How many of the first go into one exchange; at least one if there are any. */
function batchOf(ended: readonly { readonly verdict: Verdict }[]): number {
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
