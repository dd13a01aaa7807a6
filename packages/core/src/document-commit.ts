import type { Document, Prepared } from './document-codec.ts';
import { invalid, PortolanError } from './errors.ts';
import type { DocumentCommit, DocumentPort } from './ports/document.ts';

/** What `commit` takes at once. */
export const MAX_WRITES = 100;

type Failure = Extract<DocumentCommit, { ok: false }>;
type Outcome<T> =
  | { readonly ok: true; readonly committed: readonly CommittedWrite<T>[] }
  | { readonly ok: false; readonly failure: Failure; readonly error: PortolanError };

/** One write of a commit that took place. */
export interface CommittedWrite<T> {
  readonly id: string;
  /** The new revision (of the deletion, for a delete); 0 for a delete of what was not there. */
  readonly revision: number;
  /** Null for a delete. */
  readonly document: Document<T> | null;
}

/** Commits, and answers what is stored now or why nothing was written. Throws only for a batch that cannot be meant. */
export async function tryCommit<T>(
  port: DocumentPort,
  collection: string,
  prepared: readonly Prepared<T>[],
): Promise<Outcome<T>> {
  if (prepared.length === 0) return { ok: true, committed: [] };
  if (prepared.length > MAX_WRITES) throw invalid(`commit to ${collection}: at most ${MAX_WRITES} writes at once`);
  const writes = prepared.map((one) => one.write);
  if (new Set(writes.map((write) => write.id)).size < writes.length)
    throw invalid(`commit to ${collection}: two writes of one id`);
  const result = await port.commit(collection, writes);
  if (!result.ok)
    return { ok: false, failure: result, error: toError(collection, writes[result.failed]?.id ?? '', result) };
  const committed = result.written.map(({ revision, createdAt }, at) => {
    const { write, value } = prepared[at] as Prepared<T>;
    if (write.op === 'delete') return { id: write.id, revision, document: null };
    const { id, expiresAt } = write;
    return { id, revision, document: { id, value: value as T, revision, createdAt, updatedAt: result.at, expiresAt } };
  });
  return { ok: true, committed };
}

/** Commits or throws: NOT_FOUND for what is missing, CONFLICT for all else. */
export async function commitOrThrow<T>(
  port: DocumentPort,
  collection: string,
  prepared: readonly Prepared<T>[],
): Promise<readonly CommittedWrite<T>[]> {
  const outcome = await tryCommit(port, collection, prepared);
  if (!outcome.ok) throw outcome.error;
  return outcome.committed;
}

export const notFound = (collection: string, id: string): PortolanError =>
  new PortolanError('NOT_FOUND', `${collection} ${id}: not found`);

export const stale = (collection: string, id: string, stored: number | undefined): PortolanError =>
  new PortolanError('CONFLICT', `${collection} ${id}: the revision is stale; stored is ${stored ?? 'another'}`);

function toError(collection: string, id: string, failure: Failure): PortolanError {
  if (failure.reason === 'missing') return notFound(collection, id);
  if (failure.reason === 'revision') return stale(collection, id, failure.revision);
  if (failure.reason === 'exists')
    return new PortolanError('CONFLICT', `${collection} ${id}: exists already, with revision ${failure.revision}`);
  return new PortolanError(
    'CONFLICT',
    `${collection} ${id}: unique index ${failure.index}: document ${failure.holder} holds this key`,
  );
}
