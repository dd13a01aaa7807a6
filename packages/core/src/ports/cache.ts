/** A stored cache entry. `text` is opaque JSON text made by core (value, times and tag epochs together). */
export interface CacheEntry {
  /** New at every fill: tells one filling of a key from the next. */
  readonly id: string;
  readonly text: string;
  /** Absolute ms on the store's clock when the entry disappears. */
  readonly expiresAt: number;
}

export interface CacheRead {
  /** In the order of the keys; null where absent or expired. */
  readonly entries: readonly (CacheEntry | null)[];
  /** In the order of the tags; null where the tag has no epoch (never used, invalidated without successor or evicted). */
  readonly epochs: readonly (string | null)[];
}

export interface CacheAcquire {
  /** The id of the entry that the caller found wanting; null when it found none. */
  readonly seen: string | null;
  /** Made by the caller, unique: it is the lease when granted. */
  readonly lease: string;
  readonly leaseMs: number;
  /** Tags whose epochs the filling will carry; an absent one is created now, before the caller's factory starts. */
  readonly tags: readonly string[];
}

export interface CacheAcquired {
  /** True: the caller alone may fill until `leaseMs` passes. */
  readonly granted: boolean;
  /** The present entry; another one than `seen` means that somebody filled meanwhile (and nothing is granted). */
  readonly entry: CacheEntry | null;
  readonly epochs: readonly string[];
  /** When another lease stands in the way: ms until it ends. 0 otherwise. */
  readonly waitMs: number;
}

/**
 * Entries that may vanish at any time, leases that let one process of all fill a key, and tag epochs that invalidate many entries at once.
 *
 * A lease makes single flight work across processes and fences a slow old filler: `drop` takes the lease away, so what the filler
 * computed before the drop is refused. An epoch is a random text per tag: an entry that carries another epoch than the tag has now is invalid,
 * and an epoch that got lost can only make entries invalid, never valid again. Nothing here is retried; every method may be repeated.
 */
export interface CachePort {
  /** Entries and tag epochs in one round trip. No snapshot over several keys. */
  read(keys: readonly string[], tags: readonly string[]): Promise<CacheRead>;
  /** Read or lease, atomic per key: grants when the present entry is still `seen` and no unexpired lease exists. One round trip. */
  acquire(key: string, want: CacheAcquire): Promise<CacheAcquired>;
  /** Writes the entry and ends the lease if `lease` still holds the key; false (and nothing written) when it was lost. Atomic. One round trip. */
  fill(key: string, lease: string, entry: { readonly id: string; readonly text: string; readonly ttlMs: number }): Promise<boolean>;
  /** Ends the lease without an entry, so that the next caller need not wait. A lost lease is no error. One round trip. */
  release(key: string, lease: string): Promise<void>;
  /** Removes entries and leases. Answers how many entries existed. One round trip. */
  drop(keys: readonly string[]): Promise<number>;
  /** Gives each tag a new random epoch: every entry that carries the old one is invalid from now on. One round trip. */
  retag(tags: readonly string[]): Promise<void>;
  /** Keys of entries, as KeyValuePort.scan: unordered, at least once; `size` in bytes of text. For inspection, not for work. */
  scan(scan: CacheScan): Promise<CachePage>;
}

export interface CacheScan {
  readonly match: string;
  readonly cursor: string | null;
  readonly limit: number;
}

export interface CachePage {
  readonly items: readonly { readonly key: string; readonly expiresAt: number; readonly size: number }[];
  readonly cursor: string | null;
}
