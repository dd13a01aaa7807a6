/** Deletions that a collection's change feed remembers; a reader from before the oldest of them is told of a gap. */
export const MAX_TOMBSTONES = 10_000;

/** A stored document. `body` is JSON text that no adapter parses or re-encodes: it comes back byte for byte. */
export interface StoredDocument {
  readonly id: string;
  /** The collection's counter at the last write of this document: grows with every write, ETag and feed position in one. */
  readonly revision: number;
  readonly body: string;
  /** ms on the store's clock. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly expiresAt: number | null;
}

/** What must be stored under the id for a write to happen; a number is a revision. */
export type Expectation = 'any' | 'absent' | 'present' | number;

/**
 * One entry of a secondary index. `key` is encoded by core (`index-key.ts`): printable ASCII whose byte order is the order of
 * the values, so every adapter sorts alike by comparing text. A unique entry belongs to one document of the collection at a time.
 */
export interface IndexEntry {
  readonly index: string;
  readonly key: string;
  readonly unique?: boolean;
}

export type DocumentWrite =
  | {
      readonly op: 'put';
      readonly id: string;
      readonly expect: Expectation;
      readonly body: string;
      /** All index entries of the document; those of its former version are removed. */
      readonly entries: readonly IndexEntry[];
      /** Absolute ms, or null for never. */
      readonly expiresAt: number | null;
    }
  | { readonly op: 'delete'; readonly id: string; readonly expect: Expectation };

export type DocumentCommit =
  | {
      readonly ok: true;
      /** ms on the store's clock: `updatedAt` of everything written. */
      readonly at: number;
      /** In the order of the writes: the new revision (of the deletion, for a delete; 0 for a delete of what was not there). */
      readonly written: readonly { readonly revision: number; readonly createdAt: number }[];
    }
  | {
      readonly ok: false;
      /** The index of the first write in the batch that could not be. Nothing was written. */
      readonly failed: number;
      readonly reason: 'exists' | 'missing' | 'revision' | 'unique';
      /** The revision stored now, where there is one (for `revision` and `exists`). */
      readonly revision?: number;
      /** For `unique`: the index and the id of the document that holds the key. */
      readonly index?: string;
      readonly holder?: string;
    };

export interface DocumentScan {
  /** Null walks the documents by id. */
  readonly index: string | null;
  /** Inclusive lower and exclusive upper bound of the encoded index key (of the encoded id, when `index` is null). */
  readonly from?: string;
  readonly to?: string;
  readonly reverse?: boolean;
  /** `next` of the page before. */
  readonly after?: string;
  readonly limit: number;
}

export interface DocumentPage {
  /** At most `limit`. Fewer, even none, is no end: a store bounds the work of one step. */
  readonly documents: readonly StoredDocument[];
  /** The position to go on after: the `indexMember` of the last entry looked at. Null when nothing is left in the range. */
  readonly next: string | null;
}

export interface DocumentChange {
  readonly revision: number;
  readonly id: string;
  /** Null when it was deleted. */
  readonly document: StoredDocument | null;
}

export interface DocumentChanges {
  /** By revision, each document only with its latest change. */
  readonly changes: readonly DocumentChange[];
  /** Pass it as `after` to go on; equal to `after`, without a gap, when there is nothing new. */
  readonly revision: number;
  /**
   * True when `after` is no place to go on from: deletions since then are no longer known, or it lies beyond the last revision (the
   * store was emptied). Then there are no changes, and `revision` is the last one given out: walk all documents, then go on from there.
   */
  readonly gap: boolean;
}

/**
 * Documents in collections, with secondary indexes, unique keys and a change feed. A collection is one hash slot. Expired documents are
 * absent everywhere, and their index entries and unique keys free, from the moment they expire (`expiresAt <= now`) on the store's clock. No
 * method retries; a commit repeated after a lost reply is safe when it expects a revision or 'absent'.
 */
export interface DocumentPort {
  /** The documents in the order of the ids; null where absent. A snapshot. One round trip. */
  read(collection: string, ids: readonly string[]): Promise<(StoredDocument | null)[]>;
  /**
   * The only write: all or nothing, in order. Bodies, revisions, index entries, unique keys and the change feed move in one atomic step.
   * At most 100 writes, each id once (core checks). A unique key that a document of the batch gives up is free for the others, in
   * any order; two writes that claim one key: the later one fails. One round trip.
   */
  commit(collection: string, writes: readonly DocumentWrite[]): Promise<DocumentCommit>;
  /**
   * A page in the byte order of index key, then encoded id. Pages are no common snapshot, but a document that does not change during
   * the walk comes exactly once per index entry in range. One round trip, O(limit) plus a bounded number of expired entries.
   */
  scan(collection: string, scan: DocumentScan): Promise<DocumentPage>;
  /**
   * What changed after a revision (0 for everything), oldest first. Kept for every live document and the last 10,000 deletions; an
   * expired document is a deletion from the moment a later call finds it. `Number.MAX_SAFE_INTEGER` asks for the last revision: it is
   * always a gap. A snapshot. One round trip.
   */
  changes(collection: string, after: number, limit: number): Promise<DocumentChanges>;
  /** The collections that hold something, by name; for inspection. */
  collections(): Promise<readonly { readonly name: string; readonly documents: number; readonly revision: number }[]>;
}
