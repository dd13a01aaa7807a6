import { invalid } from './errors.ts';
import type { IndexValue } from './index-key.ts';
import { checkName } from './names.ts';
import type { OutputOf, Schema } from './schema.ts';

/** A secondary index, computed from the value at every write. Documents written before it was declared enter it at their next write. */
export interface IndexDefinition<T> {
  /** The key under which the document is found: one value, a list for a compound key, undefined to leave the document out. */
  readonly key: (value: T) => IndexValue | readonly IndexValue[] | undefined;
  /** At most one document of the collection holds a key; a write that breaks this is a CONFLICT. */
  readonly unique?: boolean;
}

export interface CollectionOptions<S extends Schema> {
  readonly name: string;
  /** Checks every write and every read. It must accept its own output, as JSON gives it back. */
  readonly schema: S;
  readonly indexes?: Readonly<Record<string, IndexDefinition<OutputOf<S>>>>;
  /** How long a document lives from its last `insert` or `put` that names no other time; default: for ever. */
  readonly ttlMs?: number;
  /** The longest document, as UTF-8 JSON; default 1 MiB. */
  readonly maxBytes?: number;
}

export interface CollectionDefinition<S extends Schema> extends CollectionOptions<S> {
  readonly indexes: Readonly<Record<string, IndexDefinition<OutputOf<S>>>>;
  readonly maxBytes: number;
}

/** Declares a collection: no store is touched. Throws INVALID for a bad name or bound. */
export function defineCollection<S extends Schema>(options: CollectionOptions<S>): CollectionDefinition<S> {
  const { name, indexes = {}, maxBytes = 2 ** 20 } = options;
  checkName(name, 'collection');
  for (const index of Object.keys(indexes)) checkName(index, `index of collection ${name}`);
  if (options.ttlMs !== undefined) checkTtl(options.ttlMs, `collection ${name}`);
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 2)
    throw invalid(`collection ${name}: maxBytes must be an integer above 1`);
  return Object.freeze({ ...options, indexes, maxBytes });
}

/** A century: far enough, and a sum with any clock stays an exact integer. */
const MAX_TTL_MS = 100 * 365 * 86_400_000;

export function checkTtl(ttlMs: number, what: string): number {
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || ttlMs > MAX_TTL_MS)
    throw invalid(`${what}: ttlMs must be an integer from 1 to ${MAX_TTL_MS}`);
  return ttlMs;
}
