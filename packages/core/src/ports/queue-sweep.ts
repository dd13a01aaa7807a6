import type { Retention } from './queue-exchange.ts';
import type { Reconciled, ReconcileRequest } from './queue-reconcile.ts';

export interface SweepPolicy {
  readonly maxStalls: number;
  /** The error of a job that stalled more often; opaque JSON text. */
  readonly error: string;
  readonly retention: Retention;
  /** A queue that holds nothing leaves the list once its last push is so long ago; above 0. A store may reckon the last push up to a minute too early. */
  readonly idleMs: number;
  /** A page of a reconcile in the place of the usual step: nothing is recovered, trimmed or taken off the list, and only `reconciled` is told. */
  readonly reconcile?: ReconcileRequest;
}

export interface Swept {
  /** Jobs whose worker vanished, back at the front of the queue. */
  readonly recovered: readonly string[];
  /** Jobs that were taken by a vanishing worker more than `maxStalls` times: failed. (One that someone asked to cancel is cancelled: in neither list.) */
  readonly failed: readonly string[];
  /** True when the bounded step left something to do: sweep again. */
  readonly more: boolean;
  /** True when jobs are leased now. Without any, no lease of jobs can end before one more has been granted: a lease's time may pass until the next sweep. */
  readonly active: boolean;
  /** ms until the next schedule of the queue is due, 0 when one is; null when it has none. */
  readonly scheduleInMs: number | null;
  /** As in `ExchangeResult`. */
  readonly owes: boolean;
  /** Of a page of a reconcile. */
  readonly reconciled?: Reconciled;
}

/** The answer of a sweep that reconciled, or that has no queue to sweep. */
export function nothingSwept(reconciled?: Reconciled): Swept {
  const nothing = { recovered: [], failed: [], more: false, active: false, scheduleInMs: null, owes: false };
  return reconciled ? { ...nothing, reconciled } : nothing;
}
