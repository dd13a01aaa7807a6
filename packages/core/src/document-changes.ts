import { type Document, decodeDocument } from './document-codec.ts';
import type { CollectionDefinition } from './document-definition.ts';
import { invalid, PortolanError } from './errors.ts';
import type { DocumentPort } from './ports/document.ts';
import type { Runtime } from './runtime.ts';
import type { OutputOf, Schema } from './schema.ts';

/** The latest change of one document. */
export interface CollectionChange<T> {
  readonly type: 'change';
  readonly revision: number;
  readonly id: string;
  /** Null when it was deleted, or expired. */
  readonly document: Document<T> | null;
}

/** Deletions may have been missed: walk all documents, then go on after `revision`. */
export interface CollectionGap {
  readonly type: 'gap';
  readonly revision: number;
}

export interface CollectionChanges<T> {
  /** By revision, each document only with its latest change. */
  readonly changes: readonly CollectionChange<T>[];
  /** Pass it as `after` to go on; equal to `after`, without a gap, when there is nothing new. */
  readonly revision: number;
  /** Deletions after `after` are no longer known: walk all documents, then go on after `revision`. */
  readonly gap: boolean;
}

export interface WatchOptions {
  /** Resume after this revision; 0 starts with every document. Default: from when the first change is asked for. */
  readonly after?: number;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** How often an idle watch looks; default 500 ms. */
  readonly pollMs?: number;
}

const MAX_LIMIT = 1_000;

/** One page of the change feed. One round trip. */
export async function readChanges<S extends Schema>(
  port: DocumentPort,
  definition: CollectionDefinition<S>,
  after: number,
  limit = 100,
): Promise<CollectionChanges<OutputOf<S>>> {
  const what = `changes of ${definition.name}`;
  if (!Number.isSafeInteger(after) || after < 0) throw invalid(`${what}: after is a revision, or 0`);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw invalid(`${what}: limit is an integer from 1 to ${MAX_LIMIT}`);
  const page = await port.changes(definition.name, after, limit);
  const changes = await Promise.all(
    page.changes.map(async ({ revision, id, document }) => ({
      type: 'change' as const,
      revision,
      id,
      document: document && (await decodeDocument(definition, document)),
    })),
  );
  return { changes, revision: page.revision, gap: page.gap };
}

/**
 * Every change from a revision on, until the signal aborts. At least each document's latest change comes; intermediate ones may be
 * skipped. While the store is away it waits and goes on where it was; other errors are thrown.
 */
export async function* watchChanges<S extends Schema>(
  port: DocumentPort,
  definition: CollectionDefinition<S>,
  runtime: Runtime,
  { after, signal, pollMs = 500 }: WatchOptions,
): AsyncGenerator<CollectionChange<OutputOf<S>> | CollectionGap, void> {
  if (!(pollMs >= 1)) throw invalid(`watch ${definition.name}: pollMs must be at least 1`);
  let position = after;
  while (!signal.aborted) {
    const from = position;
    const page = await readChanges(port, definition, from ?? Number.MAX_SAFE_INTEGER).catch((error) => {
      if (!PortolanError.is(error) || !error.retryable) throw error;
      runtime.logger.warn({ collection: definition.name, code: error.code }, 'watch: the store is away');
    });
    if (page) {
      position = page.revision;
      if (page.gap && from !== undefined) yield { type: 'gap', revision: page.revision };
      for (const change of page.changes) {
        if (signal.aborted) return;
        yield change;
      }
      if (from !== undefined && position !== from) continue;
    }
    await runtime.sleep(pollMs, signal);
  }
}
