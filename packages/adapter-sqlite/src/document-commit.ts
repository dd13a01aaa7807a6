import { type DocumentCommit, type DocumentWrite, decodeText, firstRefusal } from '@portolan/core';
import type { CollectionWrite } from './document-collection.ts';

/** Within a write: checks everything, then writes everything. O(writes · entries · log n). */
export function commitTo(collection: CollectionWrite, writes: readonly DocumentWrite[]): DocumentCommit {
  const former = new Map(writes.map(({ id }) => [id, collection.find(id)]));
  const refusal = firstRefusal(
    {
      revision: (id) => former.get(id)?.revision,
      holder: (entry) => {
        const holder = collection.holder(entry);
        return holder && decodeText(holder.id);
      },
    },
    writes,
  );
  if (refusal) return refusal;
  // Every unique key that the batch gives up is free before the first is claimed.
  for (const write of writes) {
    const kept = former.get(write.id);
    if (kept && write.op === 'put') collection.release(kept, write.entries);
  }
  const written = writes.map((write) => {
    const kept = former.get(write.id);
    const createdAt = kept?.createdAt ?? collection.at;
    if (write.op === 'put') return { revision: collection.put(write, kept), createdAt };
    return kept ? { revision: collection.remove(kept), createdAt } : { revision: 0, createdAt: 0 };
  });
  return { ok: true, at: collection.at, written };
}
