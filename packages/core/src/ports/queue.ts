/** A job as it is pushed. The adapter never parses `body`; everything it must know stands beside it. */
export interface NewJob {
  /** Made by the client, unique in the queue. Pushing an id again changes nothing, so a push may be repeated after a lost reply. */
  readonly id: string;
  /** JSON text of core's envelope: name, data, policies. Comes back byte for byte. */
  readonly body: string;
  /** Integer from -1000 to 1000; higher runs first, equal ones in the order of arrival. 0 is the common case and the cheapest. */
  readonly priority: number;
  /** ms from now on the store's clock; 0 for at once. */
  readonly delayMs: number;
  /** While an unfinished job holds this key, a further push with it creates nothing. */
  readonly dedupeKey?: string;
}

export interface PushedJob {
  /** The job that now stands for the push: the pushed id, or the holder of the dedupe key. */
  readonly id: string;
  readonly created: boolean;
}

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
 * keeps the number (by which it may be exceeded by a sixteenth), sweeping keeps both, in bounded steps.
 */
export interface Retention {
  readonly completed: { readonly count: number; readonly ms: number };
  readonly failed: { readonly count: number; readonly ms: number };
}

export interface ExchangeRequest {
  /** Id of the worker session that claims. The first exchange of a session creates it. */
  readonly session: string;
  /** Unique per call of the session, same for its repeats: a repeat after a lost reply answers what the first call did, and does nothing again. */
  readonly nonce: string;
  /** Every job leased by the session is leased until now + leaseMs; this call and `beat` renew them all. */
  readonly leaseMs: number;
  readonly settled: readonly Settlement[];
  /** At most this many jobs to claim; 0 settles only. */
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
  /** ms until the next delayed job is due; null when there is none. */
  readonly dueInMs: number | null;
}

export type JobState = 'waiting' | 'delayed' | 'active' | 'completed' | 'failed' | 'cancelled';

export interface JobRecord {
  readonly id: string;
  readonly body: string;
  readonly state: JobState;
  readonly priority: number;
  /** Runs started so far. */
  readonly attempts: number;
  readonly stalls: number;
  /** Opaque JSON text, as reported last; null for none. */
  readonly progress: string | null;
  readonly result: string | null;
  /** Of the last failed attempt. */
  readonly error: string | null;
  readonly dueAt: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

export interface QueueSummary {
  readonly queue: string;
  readonly paused: boolean;
  readonly counts: Readonly<Record<JobState, number>>;
}

export type QueueInspection =
  /** The known queues by name (at most 1,000), no jobs. */
  | { readonly of: 'queues' }
  /** One queue's summary and these jobs (unknown ids are left out). */
  | { readonly of: 'jobs'; readonly queue: string; readonly ids: readonly string[] }
  /** One queue's summary and a page of its jobs in a state, next to run (or newest finished) first. Not a snapshot. */
  | {
      readonly of: 'state';
      readonly queue: string;
      readonly state: JobState;
      readonly cursor: string | null;
      readonly limit: number;
    };

export interface QueueInspected {
  readonly queues: readonly QueueSummary[];
  readonly jobs: readonly JobRecord[];
  readonly cursor: string | null;
}

export type Amendment =
  /** Waiting or delayed: cancelled now. Active: its session is told at the next beat or exchange. */
  | { readonly do: 'cancel'; readonly id: string }
  /**
   * A failed or cancelled job runs again at once, with its attempts counted from zero and without its dedupe key. It goes to the back of the
   * queue; one that was cancelled while waiting takes its old place if that has not come up yet.
   */
  | { readonly do: 'retry'; readonly id: string }
  /** A delayed job becomes due now. */
  | { readonly do: 'promote'; readonly id: string }
  /** Removes a job that is not active, with everything kept of it. */
  | { readonly do: 'remove'; readonly id: string }
  /** Progress of a job that `session` leases; opaque JSON text. */
  | { readonly do: 'progress'; readonly id: string; readonly session: string; readonly progress: string }
  /** While paused nothing is claimed; pushes and settles go on. */
  | { readonly do: 'pause' | 'resume' };

/** `done` now, `asked` of the worker that runs it, `refused` in the job's present state (or by a lost lease), `missing` for an unknown id. */
export type Amended = 'done' | 'asked' | 'refused' | 'missing';

export interface SweepPolicy {
  readonly maxStalls: number;
  /** The error of a job that stalled more often; opaque JSON text. */
  readonly error: string;
  readonly retention: Retention;
}

export interface Swept {
  /** Jobs whose worker vanished, back at the front of the queue. */
  readonly recovered: readonly string[];
  /** Jobs that were taken by a vanishing worker more than `maxStalls` times: failed. (One that someone asked to cancel is cancelled: in neither list.) */
  readonly failed: readonly string[];
  /** True when the bounded step left something to do: sweep again. */
  readonly more: boolean;
}

/**
 * Jobs with leases. Delivery is at least once: a job is run again only when its worker's session expired (vanished, paused past the lease, cut
 * off) or handed it back. A session is the fencing token: a settle of a job that the session no longer leases is refused.
 *
 * Everything is batched by construction: one exchange settles k jobs and claims n more in one atomic step. All times are the store's; clients
 * pass durations. A queue is one hash slot. At most 500 jobs a call (core chunks).
 */
export interface QueuePort {
  /** Adds jobs, all or nothing, and wakes a waiter. Repeatable. One round trip. */
  push(queue: string, jobs: readonly NewJob[]): Promise<PushedJob[]>;
  /** Settles, promotes what is due, claims; atomic in that order. Repeatable with the same nonce. One round trip. */
  exchange(queue: string, request: ExchangeRequest): Promise<ExchangeResult>;
  /**
   * Renews every lease of a session. `alive: false` means that the session expired and was swept: its jobs are lost to it, and it must abort them
   * and go on under a new id. Repeatable. One round trip, O(1).
   */
  beat(
    queue: string,
    session: string,
    leaseMs: number,
  ): Promise<{ readonly alive: boolean; readonly cancel: readonly string[] }>;
  /**
   * Returns the jobs of expired sessions to the front of the queue (or fails them after `maxStalls`) and trims finished ones. Any number of
   * processes may call it at any time; each call is one bounded atomic step (at most 500 jobs). Repeatable.
   */
  sweep(queue: string, policy: SweepPolicy): Promise<Swept>;
  /**
   * Resolves when one of the queues may have work or when the signal aborts (core bounds the wait through it); never rejects while the store is
   * merely away. A hint only: it may come for nothing or be lost, and one push wakes at least one waiter, not all. An exchange that leaves
   * waiting jobs behind wakes the next. Costs nothing while it waits.
   */
  wait(queues: readonly string[], signal: AbortSignal): Promise<void>;
  /** Looks, changes nothing. One or two round trips. */
  inspect(inspection: QueueInspection): Promise<QueueInspected>;
  /** One change to one job or to the queue. Atomic. One round trip. Repeatable, though a repeat may answer `refused` or `missing`. */
  amend(queue: string, amendment: Amendment): Promise<Amended>;
}
