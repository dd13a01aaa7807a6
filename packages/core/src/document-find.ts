import { contentVersion } from './content-version.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { type Document, decodeDocument } from './document-codec.ts';
import type { CollectionDefinition } from './document-definition.ts';
import { invalid } from './errors.ts';
import { afterPrefix, encodeIndexKey, encodeText, type IndexValue } from './index-key.ts';
import type { DocumentPort, StoredDocument } from './ports/document.ts';
import type { OutputOf, Schema } from './schema.ts';

type Bound = IndexValue | readonly IndexValue[];

/** Which documents, in the order of an index, or by id when none is named. */
export interface DocumentQuery {
  readonly index?: string;
  /** The key, or the first parts of a compound key. Needs an index. */
  readonly equals?: Bound;
  /** Inclusive, exclusive. After `equals` they bound the parts that follow. Without an index they are ids. */
  readonly from?: Bound;
  readonly to?: Bound;
  readonly order?: 'asc' | 'desc';
  /** Of the page before, for the same query. */
  readonly cursor?: string | null;
  /** 1 to 1,000; default 50. */
  readonly limit?: number;
}

export interface FoundDocuments<T> {
  readonly documents: Document<T>[];
  /** Null when nothing follows. */
  readonly cursor: string | null;
}

const MAX_LIMIT = 1_000;

/**
 * A page of a walk. A document that does not change during the walk comes exactly once. One round trip, more only when many entries in
 * the range have just expired.
 */
export async function findDocuments<S extends Schema>(
  port: DocumentPort,
  definition: CollectionDefinition<S>,
  query: DocumentQuery,
): Promise<FoundDocuments<OutputOf<S>>> {
  const { order = 'asc', limit = 50 } = query;
  const what = `find in ${definition.name}`;
  if (order !== 'asc' && order !== 'desc') throw invalid(`${what}: order is asc or desc`);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw invalid(`${what}: limit is an integer from 1 to ${MAX_LIMIT}`);
  const range = { index: query.index ?? null, ...rangeOf(definition, query, what) };
  const digest = contentVersion(JSON.stringify([definition.name, range.index, range.from, range.to, order])).slice(
    0,
    16,
  );
  let after = query.cursor == null ? undefined : openCursor(query.cursor, digest, range, what);
  const found: StoredDocument[] = [];
  let next: string | null = null;
  do {
    const page = await port.scan(definition.name, {
      ...range,
      reverse: order === 'desc',
      limit: limit - found.length,
      ...(after === undefined ? {} : { after }),
    });
    found.push(...page.documents);
    next = page.next;
    after = next ?? undefined;
  } while (next !== null && found.length < limit);
  const documents = await Promise.all(found.map((stored) => decodeDocument(definition, stored)));
  return { documents, cursor: next === null ? null : encodeCursor([next, digest]) };
}

interface Range {
  readonly from?: string;
  readonly to?: string;
}

function rangeOf<S extends Schema>(
  definition: CollectionDefinition<S>,
  { index, equals, from, to }: DocumentQuery,
  what: string,
): Range {
  if (index === undefined) {
    if (equals !== undefined) throw invalid(`${what}: equals needs an index`);
    return { ...bound('from', idBound(from, what)), ...bound('to', idBound(to, what)) };
  }
  if (!Object.hasOwn(definition.indexes, index)) {
    const known = Object.keys(definition.indexes).join(', ') || 'none';
    throw invalid(`${what}: unknown index ${JSON.stringify(index)}; known are ${known}`);
  }
  const prefix = equals === undefined ? [] : listed(equals);
  const key = (value: Bound) => encodeIndexKey([...prefix, ...listed(value)], `${what}, index ${index}`);
  const equal = equals === undefined ? undefined : key([]);
  return {
    ...bound('from', from === undefined ? equal : key(from)),
    ...bound('to', to !== undefined ? key(to) : equal === undefined ? undefined : afterPrefix(equal)),
  };
}

const listed = (value: Bound): readonly IndexValue[] => (Array.isArray(value) ? value : [value as IndexValue]);

const bound = (name: 'from' | 'to', value: string | undefined): Range => (value === undefined ? {} : { [name]: value });

function idBound(value: Bound | undefined, what: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalid(`${what}: without an index, from and to are ids`);
  return encodeText(value, what);
}

/** The position in a cursor. One that was made up cannot lead out of the query's range. */
function openCursor(cursor: string, digest: string, { from, to }: Range, what: string): string {
  const [position, of] = decodeCursor(cursor, readCursor);
  if (of !== digest) throw invalid(`${what}: the cursor belongs to another query`);
  if ((from !== undefined && position < from) || (to !== undefined && position >= to))
    throw invalid(`${what}: the cursor lies outside the query`);
  return position;
}

function readCursor(content: unknown): readonly [position: string, digest: string] | undefined {
  const [position, digest] = Array.isArray(content) ? content : [];
  if (typeof position !== 'string' || typeof digest !== 'string') return undefined;
  return /^[ -~]+$/.test(position) ? [position, digest] : undefined;
}
