import type { DocumentCommit, DocumentWrite, IndexEntry } from './ports/document.ts';

/** What a collection holds now, without what has expired. */
export interface CommittedState {
  /** The revision stored under the id. */
  revision(id: string): number | undefined;
  /** The id of the document that holds a unique key. */
  holder(entry: IndexEntry): string | undefined;
}

/**
 * Why a commit cannot be: the first write whose expectation fails, or that claims a unique key which a document outside the batch or an
 * earlier write has. Undefined when all can be. For stores that decide in this process, inside of an exclusive step.
 */
export function firstRefusal(
  state: CommittedState,
  writes: readonly DocumentWrite[],
): Extract<DocumentCommit, { ok: false }> | undefined {
  const batch = new Set(writes.map((write) => write.id));
  const claimed = new Map<string, string>();
  for (const [failed, write] of writes.entries()) {
    const { expect } = write;
    const revision = state.revision(write.id);
    if (revision !== undefined && expect === 'absent') return { ok: false, failed, reason: 'exists', revision };
    if (revision === undefined && expect !== 'absent' && expect !== 'any')
      return { ok: false, failed, reason: 'missing' };
    if (revision !== undefined && typeof expect === 'number' && expect !== revision)
      return { ok: false, failed, reason: 'revision', revision };
    if (write.op === 'delete') continue;
    for (const entry of write.entries) {
      if (!entry.unique) continue;
      const claim = `${entry.index} ${entry.key}`;
      const stored = state.holder(entry);
      const holder = claimed.get(claim) ?? (stored !== undefined && !batch.has(stored) ? stored : undefined);
      if (holder !== undefined && holder !== write.id)
        return { ok: false, failed, reason: 'unique', index: entry.index, holder };
      claimed.set(claim, write.id);
    }
  }
  return undefined;
}
