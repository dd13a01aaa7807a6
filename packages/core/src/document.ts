import {
  type CollectionChange,
  type CollectionChanges,
  type CollectionGap,
  readChanges,
  type WatchOptions,
  watchChanges,
} from './document-changes.ts';
import { checkRevision, type Document, decodeDocument, encodePut, type Prepared } from './document-codec.ts';
import { type CommittedWrite, commitOrThrow, MAX_WRITES, notFound, stale, tryCommit } from './document-commit.ts';
import { type CollectionDefinition, checkTtl } from './document-definition.ts';
import { type DocumentQuery, type FoundDocuments, findDocuments } from './document-find.ts';
import { invalid, PortolanError } from './errors.ts';
import { mergePatch } from './merge-patch.ts';
import { checkKey } from './names.ts';
import type { DocumentPort, Expectation } from './ports/document.ts';
import type { Runtime } from './runtime.ts';
import type { InputOf, OutputOf, Schema } from './schema.ts';

export interface InsertOptions {
  /** Default: a new id of the runtime, later ones sorting after earlier ones. */
  readonly id?: string;
  readonly ttlMs?: number;
}

export interface PutOptions {
  /** Write only over this revision. */
  readonly revision?: number;
  readonly if?: 'absent' | 'present';
  readonly ttlMs?: number;
}

export interface UpdateOptions {
  /** Write only over this revision. Without it, a lost race is read and applied again. */
  readonly revision?: number;
}

export type CollectionWrite<In> =
  | ({ readonly op: 'insert'; readonly value: In } & InsertOptions)
  | ({ readonly op: 'put'; readonly id: string; readonly value: In } & PutOptions)
  | { readonly op: 'delete'; readonly id: string; readonly revision?: number };

/**
 * Documents of one schema. Writes throw INVALID for a value the schema refuses (with the issues), TOO_LARGE, NOT_FOUND for what must be there
 * and is not, CONFLICT for a stale revision, an id that exists and a unique key that another document holds; the message names which.
 * Reads throw INVALID for a stored value that the schema refuses.
 */
export interface Collection<T, In = T> {
  get(id: string): Promise<Document<T> | undefined>;
  /** In the order of the ids, a snapshot. At most 1,000. One round trip. */
  getMany(ids: readonly string[]): Promise<(Document<T> | undefined)[]>;
  insert(value: In, options?: InsertOptions): Promise<Document<T>>;
  put(id: string, value: In, options?: PutOptions): Promise<Document<T>>;
  /** Applies a JSON merge patch (RFC 7396) and validates the outcome. Keeps the expiry. */
  patch(id: string, patch: unknown, options?: UpdateOptions): Promise<Document<T>>;
  /** Reads, applies `change` and writes what it returns; it may run more than once. Keeps the expiry. */
  update(id: string, change: (value: T) => In | Promise<In>, options?: UpdateOptions): Promise<Document<T>>;
  /** False when there was nothing to delete. */
  delete(id: string, options?: { readonly revision?: number }): Promise<boolean>;
  /** Up to 100 writes of different ids, all or nothing. One round trip. */
  commit(writes: readonly CollectionWrite<In>[]): Promise<readonly CommittedWrite<T>[]>;
  find(query?: DocumentQuery): Promise<FoundDocuments<T>>;
  changes(after: number, options?: { readonly limit?: number }): Promise<CollectionChanges<T>>;
  watch(options: WatchOptions): AsyncIterable<CollectionChange<T> | CollectionGap>;
  /**
   * Removes what has expired, a bounded number of documents at a time. Expired documents are absent anyway, and every commit and walk removes some;
   * this is for the space of a collection that nobody touches. One round trip.
   */
  sweep(): Promise<void>;
  /** Creates those of the documents that are not there, never overwriting; answers how many it created. In order, 100 at a time. */
  seed(documents: readonly { readonly id: string; readonly value: In }[]): Promise<number>;
}

export interface CollectionParts {
  readonly port: DocumentPort;
  readonly runtime: Runtime;
}

const MAX_READ = 1_000;
/** A race is lost to a write that won, so someone makes progress; waits grow to 100 ms. */
const MAX_ATTEMPTS = 20;

/** The collection on a store. */
export function openCollection<S extends Schema>(
  definition: CollectionDefinition<S>,
  { port, runtime }: CollectionParts,
): Collection<OutputOf<S>, InputOf<S>> {
  type T = OutputOf<S>;
  type In = InputOf<S>;
  const { name } = definition;
  const checkId = (id: string): string => checkKey(id, `id in ${name}`);

  function expiryOf(id: string, ttlMs = definition.ttlMs): number | null {
    return ttlMs === undefined ? null : runtime.clock.now() + checkTtl(ttlMs, `${name} ${id}`);
  }

  async function prepare(write: CollectionWrite<In>): Promise<Prepared<T>> {
    const id = checkId(write.op === 'insert' ? (write.id ?? runtime.id()) : write.id);
    const expect = write.op === 'insert' ? 'absent' : expectation(write, `${name} ${id}`);
    if (write.op === 'delete') return { write: { op: 'delete', id, expect } };
    return encodePut(definition, { id, expect, expiresAt: expiryOf(id, write.ttlMs) }, write.value);
  }

  async function commit(writes: readonly CollectionWrite<In>[]): Promise<readonly CommittedWrite<T>[]> {
    if (writes.length > MAX_WRITES) throw invalid(`commit to ${name}: at most ${MAX_WRITES} writes at once`);
    return commitOrThrow(port, name, await Promise.all(writes.map(prepare)));
  }

  async function commitOne(write: CollectionWrite<In>): Promise<Document<T>> {
    const [committed] = await commit([write]);
    return committed?.document as Document<T>;
  }

  async function getMany(ids: readonly string[]): Promise<(Document<T> | undefined)[]> {
    if (ids.length > MAX_READ) throw invalid(`${name}: at most ${MAX_READ} documents at once`);
    if (ids.length === 0) return [];
    const stored = await port.read(name, ids.map(checkId));
    return Promise.all(stored.map(async (one) => (one ? decodeDocument(definition, one) : undefined)));
  }

  async function get(id: string): Promise<Document<T> | undefined> {
    const [document] = await getMany([id]);
    return document;
  }

  /** Full jitter: the losers of a race spread out instead of meeting again. */
  const pause = (attempt: number): Promise<void> => runtime.sleep(Math.random() * Math.min(100, 2 ** attempt));

  async function update(id: string, change: (value: T) => In | Promise<In>, options: UpdateOptions = {}) {
    if (options.revision !== undefined) checkRevision(options.revision, `${name} ${id}`);
    for (let attempt = 1; ; attempt++) {
      const current = await get(id);
      if (!current) throw notFound(name, id);
      const { revision, expiresAt } = current;
      if (options.revision !== undefined && options.revision !== revision) throw stale(name, id, revision);
      const prepared = await encodePut(definition, { id, expect: revision, expiresAt }, await change(current.value));
      const outcome = await tryCommit(port, name, [prepared]);
      if (outcome.ok) return outcome.committed[0]?.document as Document<T>;
      if (outcome.failure.reason !== 'revision' || options.revision !== undefined) throw outcome.error;
      if (attempt === MAX_ATTEMPTS) {
        const message = `${name} ${id}: lost ${MAX_ATTEMPTS} races against other writers`;
        throw new PortolanError('CONFLICT', message, { retryable: true });
      }
      await pause(attempt);
    }
  }

  async function seedChunk(documents: readonly { readonly id: string; readonly value: In }[]): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const stored = await port.read(
        name,
        documents.map(({ id }) => checkId(id)),
      );
      const absent = documents.filter((_, at) => stored[at] === null);
      const prepared = await Promise.all(absent.map((one) => prepare({ op: 'insert', ...one })));
      const outcome = await tryCommit(port, name, prepared);
      if (outcome.ok) return absent.length;
      // Another process seeds the same documents: look again at what is left.
      if (outcome.failure.reason !== 'exists' || attempt === MAX_ATTEMPTS) throw outcome.error;
      await pause(attempt);
    }
  }

  return {
    get,
    getMany,
    commit,
    update,
    insert: (value, options) => commitOne({ op: 'insert', value, ...options }),
    put: (id, value, options) => commitOne({ op: 'put', id, value, ...options }),
    patch: (id, patch, options) => update(id, (value) => mergePatch(value, patch) as In, options),
    async delete(id, options) {
      const outcome = await tryCommit(port, name, [await prepare({ op: 'delete', id, ...options })]);
      if (outcome.ok) return outcome.committed[0]?.revision !== 0;
      if (outcome.failure.reason === 'missing') return false;
      throw outcome.error;
    },
    find: (query = {}) => findDocuments(port, definition, query),
    changes: (after, options) => readChanges(port, definition, after, options?.limit),
    watch: (options) => watchChanges(port, definition, runtime, options),
    async sweep() {
      // Every port sweeps before it answers changes; beyond the newest revision there are none to carry.
      await port.changes(definition.name, Number.MAX_SAFE_INTEGER, 1);
    },
    async seed(documents) {
      let created = 0;
      for (let at = 0; at < documents.length; at += MAX_WRITES)
        created += await seedChunk(documents.slice(at, at + MAX_WRITES));
      return created;
    },
  };
}

function expectation(
  write: { readonly revision?: number; readonly if?: 'absent' | 'present' },
  what: string,
): Expectation {
  if (write.revision === undefined) return write.if ?? 'any';
  if (write.if === 'absent') throw invalid(`${what}: a revision cannot be expected of an absent document`);
  return checkRevision(write.revision, what);
}
