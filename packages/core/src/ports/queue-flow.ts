/**
 * A job that awaits parts (`NewJob.awaits`) is held: `delayed`, due at no time and after all that are due at one, until parts of so many different names
 * stand that do not fail it. Whoever finishes elsewhere is brought to it by core, since parent and child may be in queues that no atomic step spans:
 * the finishing of a job with a parent leaves an *owed* entry in the same step, and core delivers it and strikes it off.
 */

/** Parts of a job at most; what comes beyond is refused. */
export const MAX_PARTS = 1_000;

/** Where a store keeps when a job is due, so much for one that is held: later than any time, and told to nobody. */
export const HELD_DUE_AT = Number.MAX_SAFE_INTEGER;

/**
 * What a finished job still owes its parent. It stands apart from the job, whatever becomes of that: retention and `remove` leave it, only a `retry` takes
 * it back. A job owes at most one: a later outcome takes the place of an earlier one.
 */
export interface OwedPart {
  readonly id: string;
  /** Which outcome of the job it is: grows with each that the queue owes, also after the queue was off the list. A safe integer. */
  readonly turn: number;
  /** As it was pushed. */
  readonly parent: string;
  readonly state: 'completed' | 'failed' | 'cancelled';
  /** The result of a completed job, else the last error; null for none. */
  readonly text: string | null;
  /** ms since it was put off for the first time; null for one that never was. */
  readonly missedMs: number | null;
}

/** A part as it stands with the job that awaits it: the newest outcome that was delivered. It is forgotten with its job. */
export interface DeliveredPart {
  readonly part: string;
  readonly turn: number;
  /** It fails the job, and so does not count among what it awaits. */
  readonly fails: boolean;
  readonly text: string;
}

export type FlowAmendment =
  /**
   * A part of what `id` awaits. An older turn than stands changes nothing (which makes a repeat harmless), a newer one takes its place. The last one that
   * was awaited makes a held job wait; one with `fail` (its error, opaque JSON text) fails a held job at once. A job in another state takes the part as
   * well, which tells when it is retried. Refused to a job that awaits nothing, or nothing of any further name.
   */
  | {
      readonly do: 'deliver';
      readonly id: string;
      readonly part: string;
      readonly turn: number;
      readonly text: string;
      readonly fail?: string;
    }
  /** The job no longer owes this outcome. Missing for one that does not stand, be it for a newer one. */
  | { readonly do: 'strike'; readonly id: string; readonly turn: number }
  /** Nobody is to look at this outcome for so many ms. Missing as for `strike`. */
  | { readonly do: 'defer'; readonly id: string; readonly turn: number; readonly delayMs: number };

/** Without a summary and jobs. */
export type FlowInspection =
  /** Up to `limit` entries that the queue owes and that are not put off, the longest due first; fewer where texts add up to about `TRANSFER_PAGE_BYTES`. */
  | { readonly of: 'owed'; readonly queue: string; readonly limit: number }
  /** The parts of a job in an order that stays; none for an unknown one. */
  | {
      readonly of: 'parts';
      readonly queue: string;
      readonly id: string;
      readonly cursor: string | null;
      readonly limit: number;
    };
