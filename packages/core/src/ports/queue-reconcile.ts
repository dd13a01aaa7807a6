/**
 * A look at whether what a queue keeps agrees with itself, page by page, and the repair of what does not: after a key was deleted by hand, an eviction, a
 * failover that lost a part, a fault of an earlier version. What is right is never changed, however busy the queue is.
 */
export interface ReconcileRequest {
  /** Null begins a pass; then what the last page answered. */
  readonly cursor: string | null;
  /** A pass that would begin less than so many ms after another does nothing, whoever began that; 0 begins at once. Looked at without a cursor only. */
  readonly everyMs: number;
  /** Tells what it would repair, and changes nothing. What one repair would reveal for another is not told. */
  readonly dryRun?: boolean;
  /** Looks at every key of the store as well, for those of the queue that nothing names any more. Costs what the store is large. */
  readonly thorough?: boolean;
}

/**
 * `jobs`: stood nowhere, or where nobody would have come to them; they wait again (or are held again while they await parts, or are completed where their
 * result is kept). `doubles`: stood in two states; one is left, in this order: finished, active, delayed, waiting. `strays`: kept of jobs or schedules that are gone;
 * dropped. `sums`: counts, keys and orders that follow from jobs, made from them anew. `listings`: the queue, missing from the list of queues.
 */
export const REPAIRS = ['jobs', 'doubles', 'strays', 'sums', 'listings'] as const;
export type Repair = (typeof REPAIRS)[number];

export interface Reconciled {
  /** Where the pass goes on; null at its end. */
  readonly cursor: string | null;
  /** Entries looked at. */
  readonly looked: number;
  /** How much was repaired of what; nothing said of a kind means none. */
  readonly repaired: Readonly<Partial<Record<Repair, number>>>;
}
