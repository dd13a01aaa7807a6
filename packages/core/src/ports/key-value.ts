/** `text` answers strings (UTF-8), `bytes` answers the bytes as they were written. */
export type ValueForm = 'text' | 'bytes';
export type ValueOf<F extends ValueForm> = F extends 'bytes' ? Uint8Array : string;

export interface StoredValue<F extends ValueForm = 'text'> {
  readonly value: ValueOf<F>;
  /** Absolute ms, null when it never expires; undefined when expiry was not asked for. */
  readonly expiresAt?: number | null;
}

/** What must hold for a commit to be written. `version` is `contentVersion(value)` of core; a key that holds fields has none. */
export interface KeyCheck {
  readonly key: string;
  readonly is: 'absent' | 'present' | { readonly version: string };
}

/** Absolute ms, null for never, 'keep' for what the key has now (never, when it is new). */
export type Expiry = number | null | 'keep';

/** Field lists and field maps name at least one field. */
export type KeyOp =
  | { readonly op: 'set'; readonly key: string; readonly value: string | Uint8Array; readonly expiresAt: Expiry }
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'touch'; readonly key: string; readonly expiresAt: number | null }
  | {
      readonly op: 'setFields';
      readonly key: string;
      readonly fields: Readonly<Record<string, string>>;
      readonly expiresAt: Expiry;
    }
  | { readonly op: 'deleteFields'; readonly key: string; readonly fields: readonly string[] };

export type CommitResult =
  /** One count per op: keys written (set 1), keys deleted or touched (0 or 1), fields new or deleted. */
  | { readonly ok: true; readonly counts: readonly number[] }
  /** The index of the first check that did not hold. Nothing was written. */
  | { readonly ok: false; readonly failed: number };

export interface KeyInfo {
  readonly key: string;
  readonly type: 'value' | 'fields';
  /** Absolute ms, or null for never. */
  readonly expiresAt: number | null;
  /** Bytes of a value; number of fields of a key that holds fields. */
  readonly size: number;
}

export interface KeyScan {
  /** A portable glob (see `glob.ts`): `*` any run, `?` one character, `\` takes the next character literally. */
  readonly match: string;
  /** What an earlier page answered; null for the first page. */
  readonly cursor: string | null;
  /** At most this many items in the page. */
  readonly limit: number;
}

export interface KeyPage {
  readonly items: readonly KeyInfo[];
  /** null at the end; anything else continues, even when the page is empty. */
  readonly cursor: string | null;
}

/**
 * Values and field maps under readable keys.
 *
 * A key holds either one value or a map of fields. Reading or writing it as the other kind throws CONFLICT,
 * with one exception: `set` and `delete` replace or remove either kind. Keys are checked by core (1–512 bytes of
 * UTF-8); adapters add their own prefix and never fold or parse them. Core makes sure that all keys of one commit
 * are the same key or share a `{tag}`, so a commit is always one hash slot.
 *
 * No method retries; all may be repeated after UNAVAILABLE or TIMEOUT by the caller, who must expect that a lost reply was a
 * commit that happened (checks by version make a repeat safe).
 */
export interface KeyValuePort {
  /**
   * The values of `keys`, in their order; null where a key is absent, expired or holds fields. Each key is read
   * atomically (value and expiry belong together); several keys are no snapshot. One round trip.
   */
  read<F extends ValueForm>(
    keys: readonly string[],
    want: { readonly as: F; readonly expiry?: boolean },
  ): Promise<(StoredValue<F> | null)[]>;

  /**
   * The named fields of a key, or all of them; fields that are not there are left out. null when the key is absent or
   * expired. CONFLICT when the key holds a value. Atomic. One round trip. All of them are read in one step that holds the store: some 3 µs each on SQLite, where
   * it is this process that stands still, so a map is no place for 100,000 (0.3 s).
   */
  readFields(key: string, fields?: readonly string[]): Promise<Record<string, string> | null>;

  /**
   * The only write: all ops in order if every check holds, else none; a CONFLICT of any op writes none either. Without ops it only
   * checks. Atomic and isolated from every other commit on these keys. A key whose last field is deleted is absent. An expiry in
   * the past leaves the key absent (and counts as if it did not). One round trip.
   */
  commit(checks: readonly KeyCheck[], ops: readonly KeyOp[]): Promise<CommitResult>;

  /**
   * A page of the keys that match. Unordered; a key that is there during the whole scan comes at least once, possibly more often;
   * a page may be empty and still have a cursor. A bounded number of round trips, each O(limit) in the store.
   */
  scan(scan: KeyScan): Promise<KeyPage>;
}
