import type { Amended, Amendment } from './queue-amend.ts';
import type { ExchangeRequest, ExchangeResult } from './queue-exchange.ts';
import type { QueueInspected, QueueInspection } from './queue-inspect.ts';
import type { NewJob, PushedJob } from './queue-push.ts';
import type { SweepPolicy, Swept } from './queue-sweep.ts';

/**
 * Jobs with leases. Delivery is at least once: a job is run again only when its worker's session expired (vanished, paused past the lease, cut
 * off) or handed it back. A session is the fencing token: a settle of a job that the session no longer leases is refused.
 *
 * Everything is batched by construction: one exchange settles k jobs and claims n more in one atomic step. All times are the store's; clients
 * pass durations. A queue is one hash slot. At most 500 jobs a call (core chunks).
 *
 * A job may await parts and may owe one: that is all a store knows of parents and children (queue-flow.ts).
 *
 * A push lists its queue, and so do `pause`, limits and `schedule`; nothing else does. At most `MAX_QUEUES` are listed at a time. A queue that holds nothing (no
 * job in any state, no schedule, no limits, nothing owed, and it is not paused) leaves the list when it is swept `idleMs` after its last push; the next push lists it again,
 * from whatever process.
 */
export interface QueuePort {
  /** How many sessions of a worker on one queue are worth having: 2 where the store works while this process does, 1 (if not said) where it is this process that works. */
  readonly lanes?: 1 | 2;
  /**
   * Adds jobs, all or nothing, and wakes a waiter. Throws `tooManyQueues`, with nothing stored, when the queue is not listed and the list is full.
   * Repeatable. One round trip; up to three when the queue must be listed first.
   */
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
   * Returns the jobs of expired sessions to the front of the queue (or fails them after `maxStalls`), trims finished ones, wakes a waiter when jobs
   * wait or are due (so that a lost hint is made good), and takes a queue that holds nothing off the list. Any number of processes may call it at any
   * time; each call is one bounded atomic step (at most 500 jobs). Repeatable. Asked to `reconcile`, it does a page of that instead (queue-reconcile.ts), as
   * bounded and as atomic.
   */
  sweep(queue: string, policy: SweepPolicy): Promise<Swept>;
  /**
   * Resolves when one of the queues may have work or when the signal aborts (core bounds the wait through it); never rejects while the store is
   * merely away. A hint only: it may come for nothing or be lost, and one push wakes at least one waiter, not all. An exchange that leaves
   * jobs behind that may be claimed wakes the next. Costs nothing while it waits.
   */
  wait(queues: readonly string[], signal: AbortSignal): Promise<void>;
  /** Looks, changes nothing. One or two round trips. */
  inspect(inspection: QueueInspection): Promise<QueueInspected>;
  /** One change to one job, to one schedule or to the queue. Atomic. One round trip; one or two more when the queue must be listed. Repeatable, though a repeat may answer `refused` or `missing`. */
  amend(queue: string, amendment: Amendment): Promise<Amended>;
}
