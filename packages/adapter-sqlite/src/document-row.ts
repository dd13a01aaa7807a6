import type { SqliteContext } from './context.ts';

/** A collection's row. */
export interface CollectionRow {
  readonly number: number;
  readonly revision: number;
  readonly floor: number;
  readonly documents: number;
  readonly tombstones: number;
}

/** No row has this number, so nothing is found in it. */
export const NOTHING: CollectionRow = { number: 0, revision: 0, floor: 0, documents: 0, tombstones: 0 };

const ROW = 'SELECT number, revision, floor, documents, tombstones FROM collection WHERE namespace = ? AND name = ?';

/** The row of a collection; undefined before its first write. */
export function collectionRow({ engine, namespace }: SqliteContext, name: string): CollectionRow | undefined {
  return engine.sql(ROW).get(namespace, name) as unknown as CollectionRow | undefined;
}
