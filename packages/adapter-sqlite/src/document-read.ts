import {
  type DocumentChange,
  type DocumentChanges,
  type DocumentPage,
  type DocumentScan,
  decodeText,
  encodeText,
  type StoredDocument,
} from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { collectionRow } from './document-row.ts';
import { fromColumn } from './text.ts';

/** Expired entries that one page steps over. */
const SKIPPED_AT_ONCE = 1_000;
/** Documents, and characters of bodies, after which a page ends before its limit, so that none holds the event loop for long. */
const PAGE_DOCUMENTS = 200;
const PAGE_LENGTH = 4 * 1024 * 1024;
/** Above every member and id. */
const TOP = '\x7f';

/** Without its body when it has expired by the time of the first parameter. */
const DOCUMENT = `
document.id, document.revision, created_at AS createdAt, updated_at AS updatedAt, expires_at AS expiresAt,
iif(expires_at <= ?1, NULL, body) AS body`;
const READ = `
SELECT ${DOCUMENT} FROM collection CROSS JOIN document ON document.collection = collection.number AND document.id = ?4
WHERE namespace = ?2 AND name = ?3`;
const BY_ID = (order: string) => `
SELECT document.id AS member, ${DOCUMENT} FROM document
WHERE collection = ?2 AND ?3 IS NULL AND document.id >= ?4 AND document.id < ?5 ORDER BY document.id ${order} LIMIT ?6`;
const BY_KEY = (order: string) => `
SELECT member, ${DOCUMENT} FROM document_entry AS entry CROSS JOIN document ON document.number = entry.document
WHERE entry.collection = ?2 AND name = ?3 AND member >= ?4 AND member < ?5 ORDER BY member ${order} LIMIT ?6`;
const WALKS = {
  id: { up: BY_ID('ASC'), down: BY_ID('DESC') },
  key: { up: BY_KEY('ASC'), down: BY_KEY('DESC') },
};
/** A merge of two indexes. A deletion has no times. */
const FEED = `
SELECT ${DOCUMENT} FROM document WHERE collection = ?2 AND document.revision > ?3
UNION ALL
SELECT id, revision, NULL, NULL, NULL, NULL FROM document_tombstone WHERE collection = ?2 AND revision > ?3
ORDER BY 2 LIMIT ?4`;

interface Row {
  readonly id: string;
  readonly revision: number;
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
  readonly expiresAt: number | null;
  readonly body: unknown;
}

/** Null when it has expired. */
function toDocument({ id, revision, createdAt, updatedAt, expiresAt, body }: Row): StoredDocument | null {
  if (body === null || createdAt === null || updatedAt === null) return null;
  return { id: decodeText(id), revision, body: fromColumn(body), createdAt, updatedAt, expiresAt };
}

export function readDocument({ engine, namespace, now }: SqliteContext, collection: string, id: string) {
  const row = engine.sql(READ).get(now(), namespace, collection, encodeText(id, 'id'));
  return row ? toDocument(row as unknown as Row) : null;
}

/** One statement, so one state of the file. O(limit), stepping over at most 1,000 expired entries. */
export function scanPage(context: SqliteContext, collection: string, scan: DocumentScan): DocumentPage {
  const { index, from = '', to = TOP, reverse = false, after } = scan;
  const limit = Math.min(scan.limit, PAGE_DOCUMENTS);
  const documents: StoredDocument[] = [];
  const row = collectionRow(context, collection);
  if (!row) return { documents, next: null };
  const low = !reverse && after !== undefined ? `${after}\0` : from;
  const high = reverse && after !== undefined ? after : to;
  const walk = context.engine.sql(WALKS[index === null ? 'id' : 'key'][reverse ? 'down' : 'up']);
  const budget = limit + SKIPPED_AT_ONCE;
  let [looked, length] = [0, 0];
  let last: string | null = null;
  let answered: string | null = null;
  for (const found of walk.iterate(context.now(), row.number, index, low, high, budget)) {
    const document = toDocument(found as unknown as Row);
    // One more than is asked for tells that something follows.
    if (document && (documents.length === limit || length >= PAGE_LENGTH)) return { documents, next: answered };
    looked += 1;
    last = String(found.member);
    if (!document) continue;
    answered = last;
    length += document.body.length;
    documents.push(document);
  }
  return { documents, next: looked === budget ? last : null };
}

/** Within a snapshot. O(limit + log n). An expired document that no sweep has reached is passed over: it will come as a deletion. */
export function feedPage(context: SqliteContext, collection: string, after: number, limit: number): DocumentChanges {
  const row = collectionRow(context, collection);
  const revision = row?.revision ?? 0;
  if (after > revision || (after > 0 && after < (row?.floor ?? 0))) return { changes: [], revision, gap: true };
  const changes: DocumentChange[] = [];
  if (!row || after === revision) return { changes, revision, gap: false };
  const most = Math.min(limit, PAGE_DOCUMENTS);
  let [looked, length] = [0, 0];
  for (const found of context.engine.sql(FEED).iterate(context.now(), row.number, after, most)) {
    const change = found as unknown as Row;
    const document = toDocument(change);
    if (document || change.updatedAt === null)
      changes.push({ revision: change.revision, id: document?.id ?? decodeText(change.id), document });
    looked += 1;
    length += document?.body.length ?? 0;
    if (looked === most || length >= PAGE_LENGTH) return { changes, revision: change.revision, gap: false };
  }
  return { changes, revision, gap: false };
}
