import { decodeText, type IndexEntry, type PlacedRecord } from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { CollectionWrite } from './document-collection.ts';
import { collectionRow } from './document-row.ts';
import { fromColumn } from './text.ts';
import { type PartTransfer, readTuple } from './transfer-part.ts';

const COLLECTIONS = `SELECT name, number, revision, floor FROM collection WHERE namespace = ? AND name > ? ORDER BY name`;
const COUNT = 'SELECT coalesce(sum(1 + documents + tombstones), 0) AS n FROM collection WHERE namespace = ?';
const DOCUMENTS = `SELECT id, revision, created_at, updated_at, expires_at, entries, body FROM document
  WHERE collection = ? AND id > ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY id`;
const TOMBSTONES =
  'SELECT revision, id FROM document_tombstone WHERE collection = ? AND revision > ? ORDER BY revision';

/** Behind a collection's counters ('document', ''), one of its documents (by encoded id) or one of its deletions (by revision). */
type Place = readonly [collection: string, kind: string, at: string];

export function sqliteDocumentTransfer(context: SqliteContext): PartTransfer<Place> {
  const { engine, namespace, now } = context;

  function* contents(collection: string, number: number, kind: string, at: string): Iterable<PlacedRecord<Place>> {
    for (const row of kind === 'document' ? engine.sql(DOCUMENTS).iterate(number, at, now()) : []) {
      const id = String(row.id);
      const entries = JSON.parse(String(row.entries)) as readonly [string, string, number][];
      yield {
        record: {
          of: 'document',
          collection,
          id: decodeText(id),
          revision: Number(row.revision),
          body: fromColumn(row.body),
          createdAt: Number(row.created_at),
          updatedAt: Number(row.updated_at),
          expiresAt: row.expires_at === null ? null : Number(row.expires_at),
          entries: entries.map(([index, key, unique]): IndexEntry => ({ index, key, unique: unique === 1 })),
        },
        place: [collection, 'document', id],
      };
    }
    for (const row of engine.sql(TOMBSTONES).iterate(number, kind === 'tombstone' ? Number(at) : 0)) {
      const revision = Number(row.revision);
      const record = { of: 'tombstone', collection, id: decodeText(String(row.id)), revision } as const;
      yield { record, place: [collection, 'tombstone', String(revision)] };
    }
  }

  return {
    count: () => Number(engine.sql(COUNT).get(namespace)?.n),
    walk: {
      *from(place) {
        const begun = place && collectionRow(context, place[0]);
        if (place && begun) yield* contents(place[0], begun.number, place[1], place[2]);
        for (const row of engine.sql(COLLECTIONS).iterate(namespace, place?.[0] ?? '')) {
          const collection = String(row.name);
          const [revision, floor] = [Number(row.revision), Number(row.floor)];
          yield { record: { of: 'collection', collection, revision, floor }, place: [collection, 'document', ''] };
          yield* contents(collection, Number(row.number), 'document', '');
        }
      },
      readPlace: (content) => readTuple(content, ['string', 'string', 'string']),
    },
    load(records) {
      let open: { readonly name: string; readonly collection: CollectionWrite } | undefined;
      for (const record of records) {
        if (record.of !== 'collection' && record.of !== 'document' && record.of !== 'tombstone') continue;
        if (open?.name !== record.collection) {
          open?.collection.save();
          open = { name: record.collection, collection: CollectionWrite.open(context, record.collection) };
        }
        if (record.of === 'collection') open.collection.raise(record.revision, record.floor);
        else if (record.of === 'tombstone') open.collection.bury(record.id, record.revision);
        else open.collection.restore(record);
      }
      open?.collection.save();
    },
  };
}
