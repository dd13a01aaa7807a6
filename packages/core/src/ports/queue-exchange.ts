/** How an attempt ended. Texts are opaque JSON. A job that someone asked to cancel ends `cancelled` instead of `retry` and `released`. */
export type Settlement =
  | { readonly id: string; readonly outcome: 'completed'; readonly result: string }
  /** Finished for good: goes to the dead letters. */
  | { readonly id: string; readonly outcome: 'failed'; readonly error: string }
  /** Counts as a failure and runs again after `delayMs`. */
  | { readonly id: string; readonly outcome: 'retry'; readonly delayMs: number; readonly error: string }
  | { readonly id: string; readonly outcome: 'cancelled'; readonly error: string }
  /** Handed back unrun or interrupted, not counted as an attempt: to the front of the queue, or delayed when `delayMs` is above 0. */
  | { readonly id: string; readonly outcome: 'released'; readonly delayMs: number };

/**
 * How many finished jobs a queue keeps, and how long; `failed` holds for the cancelled ones too, counted apart. The older go first. Settling
 * keeps the number (by which it may be exceeded by a quarter, and by 500 at most), sweeping keeps both, in bounded steps.
 */
export interface Retention {
  readonly completed: { readonly count: number; readonly ms: number };
  readonly failed: { readonly count: number; readonly ms: number };
}

/** More than one job is pushed, settled or claimed in a call only as long as their texts come to no more (4 MiB): a message must arrive within a call's deadline. */
export const MAX_CALL_TEXT = 4 * 1024 * 1024;

export interface ExchangeRequest {
  /** Id of the worker session that claims. The first exchange of a session creates it. */
  readonly session: string;
  /** Unique per call of the session, same for its repeats: a repeat after a lost reply answers what the first call did, and does nothing again. */
  readonly nonce: string;
  /** Every job leased by the session is leased until now + leaseMs; this call and `beat` renew them all. */
  readonly leaseMs: number;
  readonly settled: readonly Settlement[];
  /** At most this many jobs to claim; 0 settles only. A store that answers over a wire takes fewer where their bodies come to more than `MAX_CALL_TEXT`, and tells so by `dueInMs` 0. */
  readonly claim: number;
  readonly retention: Retention;
}

export interface LeasedJob {
  readonly id: string;
  readonly body: string;
  /** 1 for the first run; grows by failures and stalls. */
  readonly attempt: number;
  /** How often a worker vanished with this job. */
  readonly stalls: number;
  /** ms on the store's clock. */
  readonly startedAt: number;
}

export interface ExchangeResult {
  /** This call (or the one it repeats) began the session: what was leased before under its id is lost. */
  readonly created: boolean;
  readonly jobs: readonly LeasedJob[];
  /** Settled ids whose lease this session no longer held: nothing was written for them, somebody else has the job. */
  readonly refused: readonly string[];
  /** Ids leased by this session that someone asked to cancel. */
  readonly cancel: readonly string[];
  /**
   * ms until something may be claimed that could not be now, as far as time alone decides it: the next delayed job is due, or a window ends for which jobs
   * wait. 0 when this claim left some of that undone, being bounded; null when there is nothing of the kind, as with jobs that are held.
   */
  readonly dueInMs: number | null;
  /** The queue owes parts that are not put off (queue-flow.ts). */
  readonly owes: boolean;
}
