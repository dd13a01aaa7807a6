import type { CollectionDefinition } from './document-definition.ts';
import { invalid, PortolanError } from './errors.ts';
import { encodeIndexKey } from './index-key.ts';
import type { DocumentWrite, Expectation, IndexEntry, StoredDocument } from './ports/document.ts';
import { decodeJson, encodeJson, type InputOf, type OutputOf, parse, type Schema } from './schema.ts';

/** A document with its value as the schema gives it. */
export interface Document<T> {
  readonly id: string;
  readonly value: T;
  /** Grows with every write of the collection: pass it back to write only what you have seen. */
  readonly revision: number;
  /** ms since the epoch, on the store's clock. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly expiresAt: number | null;
}

/** A write that is ready for the port, with the value that reading it will give; none for a delete. */
export interface Prepared<T> {
  readonly write: DocumentWrite;
  readonly value?: T;
}

interface Placement {
  readonly id: string;
  readonly expect: Expectation;
  readonly expiresAt: number | null;
}

/** The stored document, checked against the schema: throws INVALID with the issues when somebody wrote what it refuses. */
export async function decodeDocument<S extends Schema>(
  definition: CollectionDefinition<S>,
  stored: StoredDocument,
): Promise<Document<OutputOf<S>>> {
  const { body, ...rest } = stored;
  const what = `${definition.name} ${stored.id}`;
  return { ...rest, value: await parse(definition.schema, decodeJson(body, what), what) };
}

/**
 * Validates and encodes a put. What would be read back is validated too, so that a schema which refuses its own output (a date, a changed
 * type) fails at the write and not at every later read.
 */
export async function encodePut<S extends Schema>(
  definition: CollectionDefinition<S>,
  { id, expect, expiresAt }: Placement,
  input: InputOf<S>,
): Promise<Prepared<OutputOf<S>>> {
  const { name, schema, maxBytes } = definition;
  const what = `${name} ${id}`;
  const body = encodeJson(await parse(schema, input, what), what);
  const bytes = Buffer.byteLength(body);
  if (bytes > maxBytes)
    throw new PortolanError('TOO_LARGE', `${what}: ${bytes} bytes of JSON; at most ${maxBytes} fit`);
  const value = await parse(schema, decodeJson(body, what), `${what}, as it would be read back`);
  return { value, write: { op: 'put', id, expect, body, entries: entriesOf(definition, value), expiresAt } };
}

function entriesOf<S extends Schema>(definition: CollectionDefinition<S>, value: OutputOf<S>): IndexEntry[] {
  const entries: IndexEntry[] = [];
  for (const [index, { key, unique = false }] of Object.entries(definition.indexes)) {
    const found = key(value);
    if (found === undefined) continue;
    entries.push({ index, key: encodeIndexKey(found, `index ${index} of ${definition.name}`), unique });
  }
  return entries;
}

export function checkRevision(revision: number, what: string): number {
  if (!Number.isSafeInteger(revision) || revision < 1) throw invalid(`${what}: a revision is an integer above 0`);
  return revision;
}
