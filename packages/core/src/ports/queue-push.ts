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
