import {
  type DocumentRecord,
  type DocumentWrite,
  decodeText,
  encodeText,
  type IndexEntry,
  indexMember,
  MAX_TOMBSTONES,
  membersOf,
} from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { type CollectionRow, collectionRow, NOTHING } from './document-row.ts';
import { toColumn } from './text.ts';

type Put = Extract<DocumentWrite, { op: 'put' }>;
type PackedEntry = readonly [index: string, key: string, unique: 0 | 1];

/** A stored version, without its body. */
export interface Kept {
  readonly number: number;
  readonly id: string;
  readonly revision: number;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** As in the row. */
  readonly entries: string;
}

const CREATE = `
INSERT INTO collection (namespace, name, revision, floor, documents, tombstones) VALUES (?, ?, 0, 0, 0, 0)`;
const SAVE = 'UPDATE collection SET revision = ?, floor = ?, documents = ?, tombstones = ? WHERE number = ?';

const VERSION = 'document.number, id, revision, created_at AS createdAt, expires_at AS expiresAt, entries';
const FIND = `SELECT ${VERSION} FROM document WHERE collection = ? AND id = ?`;
/** Looks at each entry with the key, until one is of a unique index: the first, unless the index was not unique before. */
const HOLDER = `
SELECT ${VERSION} FROM document_entry AS entry CROSS JOIN document ON document.number = entry.document
WHERE entry.collection = ? AND name = ? AND member >= ? AND member < ? AND sole LIMIT 1`;
const EXPIRED = `
SELECT ${VERSION}, octet_length(body) AS size FROM document WHERE collection = ? AND expires_at <= ? ORDER BY expires_at, id LIMIT ?`;
const INSERT = `
INSERT INTO document (collection, id, revision, created_at, updated_at, expires_at, entries, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE =
  'UPDATE document SET revision = ?, updated_at = ?, expires_at = ?, entries = ?, body = ? WHERE number = ?';
const RESTORE = `
INSERT INTO document (collection, id, revision, created_at, updated_at, expires_at, entries, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (collection, id) DO UPDATE SET revision = excluded.revision, created_at = excluded.created_at,
updated_at = excluded.updated_at, expires_at = excluded.expires_at, entries = excluded.entries, body = excluded.body RETURNING number`;
const OTHER_OF = 'SELECT number FROM document WHERE collection = ? AND revision = ? AND id <> ?';
const RENUMBER = 'UPDATE document SET revision = ? WHERE number = ?';
const YIELD = `
UPDATE document_entry SET sole = 0 WHERE collection = ? AND name = ? AND member >= ? AND member < ? AND sole = 1`;
const DELETE = 'DELETE FROM document WHERE number = ?';
const ADD_ENTRY = `
INSERT INTO document_entry (collection, name, member, document, sole) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (collection, name, member) DO UPDATE SET sole = max(sole, excluded.sole)`;
const DROP_ENTRY = 'DELETE FROM document_entry WHERE collection = ? AND name = ? AND member = ?';
const BURY = 'INSERT INTO document_tombstone (collection, revision, id) VALUES (?, ?, ?)';
const UNBURY = 'DELETE FROM document_tombstone WHERE collection = ? AND id = ?';
const UNBURY_REVISION = 'DELETE FROM document_tombstone WHERE collection = ? AND revision = ?';
const FORGET = `
DELETE FROM document_tombstone WHERE collection = ?1
AND revision = (SELECT min(revision) FROM document_tombstone WHERE collection = ?1) RETURNING revision`;

/** Bodies that one sweep frees: a large one costs a visit to each of its pages. */
const SWEPT_BYTES = 4 * 1024 * 1024;

const pack = (entries: readonly IndexEntry[]): string =>
  JSON.stringify(entries.map(({ index, key, unique }): PackedEntry => [index, key, unique ? 1 : 0]));

/** One collection within one write. Every structure moves with `put` and `remove`; `save` ends the write. */
export class CollectionWrite {
  readonly at: number;
  readonly #engine: SqliteContext['engine'];
  readonly #create: () => number;
  #number: number;
  #revision: number;
  #floor: number;
  #documents: number;
  #tombstones: number;
  #changed = false;

  constructor({ engine, now }: SqliteContext, row: CollectionRow, create = () => row.number) {
    this.#create = create;
    this.#engine = engine;
    this.at = now();
    this.#number = row.number;
    this.#revision = row.revision;
    this.#floor = row.floor;
    this.#documents = row.documents;
    this.#tombstones = row.tombstones;
  }

  /** The collection by its name. Its row is made by the first put. */
  static open(context: SqliteContext, name: string): CollectionWrite {
    const create = () => Number(context.engine.sql(CREATE).run(context.namespace, name).lastInsertRowid);
    return new CollectionWrite(context, collectionRow(context, name) ?? NOTHING, create);
  }

  /** What is stored under the id. An expired version that no sweep has reached is deleted on the way. */
  find(id: string): Kept | undefined {
    return this.#unexpired(this.#stored(encodeText(id, 'id')));
  }

  /** The document that holds a unique key. */
  holder({ index, key }: IndexEntry): Kept | undefined {
    const [from, to] = membersOf(key);
    return this.#unexpired(this.#engine.sql(HOLDER).get(this.#number, index, from, to) as unknown as Kept | undefined);
  }

  /** Deletes what has expired, oldest first, each as a change of its own. Answers how many, or `limit` when it left some. */
  sweep(limit: number): number {
    const expired = this.#engine.sql(EXPIRED).all(this.#number, this.at, limit) as unknown as (Kept & {
      size: number;
    })[];
    let bytes = 0;
    for (const kept of expired) {
      if (bytes >= SWEPT_BYTES) return limit;
      this.remove(kept);
      bytes += kept.size;
    }
    return expired.length;
  }

  /** Takes the index entries of a version out, so that others may claim its unique keys; unless the next one has the same. */
  release(kept: Kept, next?: readonly IndexEntry[]): void {
    if (next && pack(next) === kept.entries) return;
    for (const [index, key] of JSON.parse(kept.entries) as readonly PackedEntry[])
      this.#engine.sql(DROP_ENTRY).run(this.#number, index, indexMember(key, decodeText(kept.id)));
  }

  /** Writes a version over `former`, which has been released, and answers its revision. */
  put({ id, body, entries, expiresAt }: Put, former: Kept | undefined): number {
    if (this.#number === NOTHING.number) this.#number = this.#create();
    const packed = pack(entries);
    const revision = this.#next();
    const text = toColumn(body);
    const end = expiresAt === null ? null : Math.ceil(expiresAt);
    let number = former?.number;
    if (number === undefined) {
      const key = encodeText(id, 'id');
      const { lastInsertRowid } = this.#engine
        .sql(INSERT)
        .run(this.#number, key, revision, this.at, this.at, end, packed, text);
      number = Number(lastInsertRowid);
      this.#documents += 1;
      if (this.#tombstones > 0) this.#tombstones -= Number(this.#engine.sql(UNBURY).run(this.#number, key).changes);
    } else {
      this.#engine.sql(UPDATE).run(revision, this.at, end, packed, text, number);
    }
    if (former?.entries === packed) return revision;
    for (const { index, key, unique } of entries)
      this.#engine.sql(ADD_ENTRY).run(this.#number, index, indexMember(key, id), number, unique ? 1 : 0);
    return revision;
  }

  /** Deletes a document, and answers the revision of the deletion. */
  remove(kept: Kept): number {
    this.release(kept);
    this.#engine.sql(DELETE).run(kept.number);
    this.#documents -= 1;
    const revision = this.#next();
    this.#bury(kept.id, revision);
    return revision;
  }

  /** The counters are at least these from now on. */
  raise(revision: number, floor: number): void {
    if (this.#number === NOTHING.number) this.#number = this.#create();
    this.#revision = Math.max(this.#revision, revision);
    this.#floor = Math.max(this.#floor, floor);
    this.#changed = true;
  }

  /** Puts in a version of another store as it is: what stands under its id goes, and another document gives it its unique keys and its revision. */
  restore({ id, revision, body, entries, createdAt, updatedAt, expiresAt }: DocumentRecord): void {
    this.raise(revision, 0);
    if (expiresAt !== null && expiresAt <= this.at) return;
    const key = encodeText(id, 'id');
    const kept = this.#stored(key);
    if (kept) this.release(kept);
    const other = this.#engine.sql(OTHER_OF).get(this.#number, revision, key);
    if (other) this.#engine.sql(RENUMBER).run(this.#next(), Number(other.number));
    const row = this.#engine
      .sql(RESTORE)
      .get(this.#number, key, revision, createdAt, updatedAt, expiresAt, pack(entries), toColumn(body));
    if (!kept) this.#documents += 1;
    if (this.#tombstones > 0) this.#tombstones -= Number(this.#engine.sql(UNBURY).run(this.#number, key).changes);
    for (const { index, key: entry, unique } of entries) {
      if (unique) this.#engine.sql(YIELD).run(this.#number, index, ...membersOf(entry));
      this.#engine.sql(ADD_ENTRY).run(this.#number, index, indexMember(entry, id), Number(row?.number), unique ? 1 : 0);
    }
  }

  /** Puts in a deletion of another store, unless a later version is here. */
  bury(id: string, revision: number): void {
    this.raise(revision, 0);
    const key = encodeText(id, 'id');
    const kept = this.#stored(key);
    if (kept && kept.revision > revision) return;
    if (kept) {
      this.release(kept);
      this.#engine.sql(DELETE).run(kept.number);
      this.#documents -= 1;
    }
    this.#tombstones -= Number(this.#engine.sql(UNBURY).run(this.#number, key).changes);
    this.#tombstones -= Number(this.#engine.sql(UNBURY_REVISION).run(this.#number, revision).changes);
    this.#bury(key, revision);
  }

  save(): void {
    if (!this.#changed) return;
    this.#engine.sql(SAVE).run(this.#revision, this.#floor, this.#documents, this.#tombstones, this.#number);
  }

  #stored(key: string): Kept | undefined {
    return this.#engine.sql(FIND).get(this.#number, key) as unknown as Kept | undefined;
  }

  #bury(key: string, revision: number): void {
    this.#engine.sql(BURY).run(this.#number, revision, key);
    this.#tombstones += 1;
    if (this.#tombstones <= MAX_TOMBSTONES) return;
    this.#floor = Math.max(this.#floor, Number(this.#engine.sql(FORGET).get(this.#number)?.revision));
    this.#tombstones -= 1;
  }

  #next(): number {
    this.#changed = true;
    this.#revision += 1;
    return this.#revision;
  }

  #unexpired(kept: Kept | undefined): Kept | undefined {
    if (!kept || kept.expiresAt === null || kept.expiresAt > this.at) return kept;
    this.remove(kept);
    return undefined;
  }
}
