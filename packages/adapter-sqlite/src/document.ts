import type { DocumentPort } from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { CollectionWrite } from './document-collection.ts';
import { commitTo } from './document-commit.ts';
import { feedPage, readDocument, scanPage } from './document-read.ts';
import { type CollectionRow, collectionRow } from './document-row.ts';

/** How many collections are listed; names come from code, so more than this is a name made of user input. */
const MAX_LISTED = 10_000;
/** Expired documents that one call deletes, so that none takes long. */
const SWEPT_AT_ONCE = 100;

const HAS_EXPIRED = 'SELECT 1 FROM document WHERE collection = ? AND expires_at <= ? LIMIT 1';
const TO_SWEEP = `
SELECT number, revision, floor, documents, tombstones FROM collection
WHERE EXISTS (SELECT 1 FROM document WHERE collection = collection.number AND expires_at <= ?) LIMIT 1`;
const COLLECTIONS = `
SELECT name, revision,
  documents - (SELECT count(*) FROM document WHERE collection = collection.number AND expires_at <= ?2) AS documents
FROM collection WHERE namespace = ?1 AND revision > 0 ORDER BY name LIMIT ?3`;

/** A collection is a row with its numbers; documents, index entries and tombstones of all collections stand in a table each. */
export function sqliteDocument(context: SqliteContext): DocumentPort {
  const { engine, namespace, now } = context;

  // Of all namespaces.
  context.onSweep((limit) => {
    const row = engine.sql(TO_SWEEP).get(now());
    if (!row) return 0;
    const collection = new CollectionWrite(context, row as unknown as CollectionRow);
    collection.sweep(limit);
    collection.save();
    // Another collection may have some.
    return limit;
  });

  return {
    read(collection, ids) {
      const readAll = () => ids.map((id) => readDocument(context, collection, id));
      return ids.length > 1 ? engine.snapshot(readAll) : engine.read(readAll);
    },

    commit: (name, writes) =>
      engine.write(() => {
        const collection = CollectionWrite.open(context, name);
        collection.sweep(SWEPT_AT_ONCE);
        const result = commitTo(collection, writes);
        collection.save();
        return result;
      }),

    scan: (collection, scan) => engine.read(() => scanPage(context, collection, scan)),

    async changes(name, after, limit) {
      const page = await engine.snapshot(() => {
        const row = collectionRow(context, name);
        if (row && engine.sql(HAS_EXPIRED).get(row.number, now())) return undefined;
        return feedPage(context, name, after, limit);
      });
      if (page) return page;
      return engine.write(() => {
        const collection = CollectionWrite.open(context, name);
        collection.sweep(SWEPT_AT_ONCE);
        collection.save();
        return feedPage(context, name, after, limit);
      });
    },

    collections: () =>
      engine.read(() =>
        engine
          .sql(COLLECTIONS)
          .all(namespace, now(), MAX_LISTED)
          .map(({ name, documents, revision }) => ({
            name: String(name),
            documents: Number(documents),
            revision: Number(revision),
          })),
      ),
  };
}
