/**
 * What becomes of a push whose dedupe key an unfinished job holds; in all of them, a job that the push made holds the key from then on.
 *
 * `keep`: nothing. The holder stands for the push.
 * `replace`: a holder that waits or is delayed takes the push's body and begins anew (no runs, stalls, progress, error), in its place and with its
 * priority, group and time; it stands for the push. One that is active is left alone, and loses the key to the new job that is made: the newest body always runs.
 * `debounce`: as `replace`, and the time of a delayed holder begins again with the push's `delayMs`. One that waits keeps its place.
 */
export type DedupeMode = 'keep' | 'replace' | 'debounce';

/** A job as it is pushed. The adapter never parses `body`; everything it must know stands beside it. */
export interface NewJob {
  /**
   * Made by the client, unique in the queue. Pushing an id again changes nothing, so a push may be repeated after a lost reply. (One whose body another
   * job took has left no id: its repeat is a further push with that key, so its body may run once more.)
   */
  readonly id: string;
  /** JSON text of core's envelope: name, data, policies. Comes back byte for byte. */
  readonly body: string;
  /** Integer from -1000 to 1000; higher runs first, equal ones in the order of arrival. 0 is the common case and the cheapest. */
  readonly priority: number;
  /** ms from now on the store's clock; 0 for at once. */
  readonly delayMs: number;
  /** Held by one unfinished job at most. */
  readonly dedupeKey?: string;
  /** Of a job with a dedupe key; `keep` if not said. */
  readonly dedupe?: DedupeMode;
  /** Jobs of one group share the queue's limits of a group (`QueueLimits`). 1 to 256 characters. */
  readonly group?: string;
  /** Above 0: the job is held until parts of so many names are delivered (queue-flow.ts), and `delayMs` does not count. At most `MAX_PARTS`. */
  readonly awaits?: number;
  /** Who is owed how it finishes (queue-flow.ts); opaque text. The holder of a dedupe key keeps its own, and what it awaits. */
  readonly parent?: string;
}

export interface PushedJob {
  /** The job that now stands for the push: the pushed id, or the holder of the dedupe key. */
  readonly id: string;
  readonly created: boolean;
}
