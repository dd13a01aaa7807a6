/** ms that a tag's epoch is kept after its last `acquire` or `retag`: 30 days, which is also the longest life of an entry. */
export const TAG_EPOCH_TTL_MS = 30 * 24 * 3_600_000;

export interface CacheRead {
  /** Entry texts in the order of the keys; null where absent or expired. */
  readonly entries: readonly (string | null)[];
  /** In the order of the tags; null where the tag has no epoch (never used, or evicted). */
  readonly epochs: readonly (string | null)[];
}

export interface CacheAcquire {
  /** `contentVersion` of the entry text that the caller found wanting; null when it found none. */
  readonly seen: string | null;
  /** Made by the caller, unique: it is the lease when granted. Asking again with it is granted again. */
  readonly lease: string;
  readonly leaseMs: number;
  /** True takes the lease whoever holds it and whatever entry is there: the former holder's fill will be refused. */
  readonly force: boolean;
  /** Tags whose epochs the new entry will carry; an absent one is created now, before the caller's factory starts. */
  readonly tags: readonly string[];
}

export interface CacheAcquired {
  /** True: the caller alone may fill until `leaseMs` passes. */
  readonly granted: boolean;
  /** The present entry's text when it is another one than `seen`: somebody filled meanwhile (and nothing is granted). Null otherwise. */
  readonly entry: string | null;
  /** In the order of the tags. */
  readonly epochs: readonly string[];
  /** When another lease stands in the way: ms until it ends. 0 otherwise. */
  readonly waitMs: number;
}

export interface CacheScan {
  /** A portable glob, as in KeyScan. */
  readonly match: string;
  readonly cursor: string | null;
  /** At most this many items in the page. */
  readonly limit: number;
}

export interface CachePage {
  /** `ttlMs` is what is left by the store's clock, `size` in bytes of text. */
  readonly items: readonly { readonly key: string; readonly ttlMs: number; readonly size: number }[];
  readonly cursor: string | null;
}

/**
 * Entries that may vanish at any time, leases that let one process of all fill a key, and tag epochs that invalidate many
 * entries at once. An entry is opaque JSON text made by core: value, times and the tag epochs it was filled under.
 *
 * A lease makes single flight work across processes and fences a slow old filler: `drop` takes the lease away, so what the
 * filler computed before the drop is refused. An epoch is a random text per tag: an entry that carries another epoch than the
 * tag has now is invalid, and an epoch that got lost can only make entries invalid, never valid again. Nothing here is retried; every method may be repeated.
 */
export interface CachePort {
  /** Entries and tag epochs in one round trip. No snapshot over several keys. */
  read(keys: readonly string[], tags: readonly string[]): Promise<CacheRead>;
  /**
   * Read or lease, atomic per key: grants unless another entry than `seen` is there or somebody else's lease is unexpired. The epochs are
   * read (and made) in the same round trip, not in the same atomic step: before the answer, so before the factory. One round trip.
   */
  acquire(key: string, want: CacheAcquire): Promise<CacheAcquired>;
  /**
   * Writes the entry for `ttlMs` and ends the lease, if `lease` still holds the key; false (and nothing written) when it was lost.
   * Atomic. One round trip.
   */
  fill(key: string, lease: string, text: string, ttlMs: number): Promise<boolean>;
  /** Ends the lease without an entry, so that the next caller need not wait. A lost lease is no error. One round trip. */
  release(key: string, lease: string): Promise<void>;
  /** Removes leases and entries, so that a fill under way is refused. Answers how many entries existed. Atomic per key. One round trip. */
  drop(keys: readonly string[]): Promise<number>;
  /** Gives each tag a new random epoch: every entry that carries the old one is invalid from now on. One round trip. */
  retag(tags: readonly string[]): Promise<void>;
  /** Keys of entries, as KeyValuePort.scan: unordered, at least once. For inspection, not for work. */
  scan(scan: CacheScan): Promise<CachePage>;
}
