export interface CounterAdd {
  readonly key: string;
  /** A safe integer; negative counts down. */
  readonly by: number;
  /** Time to live in ms from now on the store's clock; undefined leaves the counter without expiry or as it is. */
  readonly ttlMs?: number;
  /** `create` sets the TTL only when the counter is new (one that was made to last keeps lasting), `refresh` at every add. */
  readonly ttlMode: 'create' | 'refresh';
  /**
   * Bounds of the result, within the safe integers, so no adapter ever answers a rounded number. An add upward is held to
   * `max`, an add downward to `min`: a counter that already stands outside may move back, step by step.
   */
  readonly min: number;
  readonly max: number;
  /** Out of bounds: leave the counter as it is, its TTL included, or stop at the bound. */
  readonly onBound: 'reject' | 'saturate';
}

export interface CounterAdded {
  /** The value after the add (the unchanged value after a reject). */
  readonly value: number;
  /** What was really added: `by`, less after a saturate, 0 after a reject. */
  readonly applied: number;
}

export interface CounterValue {
  readonly value: number;
  /** ms left by the store's clock, at least 1; null for never. Relative, so that no caller's clock matters. */
  readonly ttlMs: number | null;
}

/** A limiter policy as data. `limit` units per `periodMs`. */
export type LimitPolicy =
  /**
   * Generic cell rate algorithm: a smooth rate with `burst` units at once (ITU-T I.371; Brandur Leach, redis-cell).
   * State is one number, in the leaky-bucket form, which stays an integer.
   */
  | { readonly kind: 'gcra'; readonly limit: number; readonly periodMs: number; readonly burst: number }
  /** At most `limit` in windows aligned to the epoch of the store's clock. Allows up to twice the limit around an edge. */
  | { readonly kind: 'fixed'; readonly limit: number; readonly periodMs: number }
  /** Two fixed windows, the earlier weighted by its remaining overlap: approximate, no 2x burst at the edge. */
  | { readonly kind: 'sliding'; readonly limit: number; readonly periodMs: number };

export interface LimitState {
  /** Whole units this policy would still allow now. */
  readonly remaining: number;
  /** ms until this policy would allow the asked cost if nobody else came; 0 when it did; Infinity when it never will. */
  readonly retryAfterMs: number;
  /** ms until the policy is as if never used. */
  readonly resetMs: number;
}

export interface LimitResult {
  /** True when every policy allows the cost, and only then was it taken from all of them. */
  readonly allowed: boolean;
  /** One per policy, in order, as it stands after the call. */
  readonly policies: readonly LimitState[];
}

/**
 * Integers under keys, with bounds and TTL, and rate limits. All times are the store's, so processes whose clocks differ
 * agree. Keys are checked by core as in KeyValue; counters and limits of one name do not meet. A key that holds no safe
 * integer (someone else wrote it) throws CONFLICT. No method retries, and no add is idempotent: after UNAVAILABLE or TIMEOUT the add may have happened.
 */
export interface CounterPort {
  /** Adds, each atomic by itself with its TTL and bounds in the same step; answers in order. An absent counter is 0. One round trip. */
  add(many: readonly CounterAdd[]): Promise<CounterAdded[]>;
  /** The counters in order; null where absent or expired. One round trip. */
  read(keys: readonly string[]): Promise<(CounterValue | null)[]>;
  /** Sets a counter (and its TTL; undefined for none), or removes it with `value: null`. Answers whether it existed. Atomic. One round trip. */
  write(key: string, value: number | null, ttlMs?: number): Promise<boolean>;
  /**
   * Takes `cost` (an integer ≥ 0) from every policy or from none; with `take` false it only tells what would happen. Atomic; a
   * rejected call writes nothing. The state expires by itself once it has no effect. A changed policy list starts fresh. The
   * arithmetic is `stepLimit` of core. One round trip, O(policies).
   */
  limit(key: string, policies: readonly LimitPolicy[], cost: number, take: boolean): Promise<LimitResult>;
}
