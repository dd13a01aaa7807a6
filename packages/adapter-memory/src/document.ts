import {
  type DocumentChange,
  type DocumentCommit,
  type DocumentPage,
  type DocumentPort,
  type DocumentScan,
  type DocumentWrite,
  firstRefusal,
  type StoredDocument,
} from '@portolan/core';
import { DocumentStore, idOf, sortable } from './document-store.ts';
import type { MemoryContext } from './hub.ts';

export function memoryDocument(context: MemoryContext): DocumentPort {
  const { hub, namespace } = context;
  const stores = hub.state(namespace, 'document', () => new Map<string, DocumentStore>());

  /** The collection as it is now: without what has expired. */
  function open(collection: string): DocumentStore {
    context.open();
    const store = stores.get(collection) ?? new DocumentStore();
    store.sweep(hub.clock.now());
    return store;
  }

  return {
    async read(collection, ids) {
      const store = open(collection);
      return ids.map((id) => store.get(id) ?? null);
    },
    async commit(collection, writes) {
      const store = open(collection);
      const revision = (id: string) => store.get(id)?.revision;
      const refusal = firstRefusal({ revision, holder: (entry) => store.holder(entry) }, writes);
      if (refusal) return refusal;
      stores.set(collection, store);
      return apply(store, writes, hub.clock.now());
    },
    async scan(collection, scan) {
      return page(open(collection), scan);
    },
    async changes(collection, after, limit) {
      const store = open(collection);
      const { revision } = store;
      if (after > revision || (after > 0 && after < store.floor)) return { changes: [], revision, gap: true };
      const changes = changesAfter(store, after, limit);
      const last = changes.length === limit ? changes.at(-1)?.revision : undefined;
      return { changes, revision: last ?? revision, gap: false };
    },
    async collections() {
      context.open();
      return [...stores.keys()].sort().map((name) => {
        const { size, revision } = open(name);
        return { name, documents: size, revision };
      });
    },
  };
}

function apply(store: DocumentStore, writes: readonly DocumentWrite[], at: number): DocumentCommit {
  const former = writes.map((write) => store.get(write.id));
  // Every unique key that the batch gives up is free before the first is claimed.
  for (const write of writes) if (write.op === 'put') store.release(write.id);
  const written = writes.map((write, place) => {
    const createdAt = former[place]?.createdAt ?? at;
    if (write.op === 'delete') {
      if (!former[place]) return { revision: 0, createdAt: 0 };
      return { revision: store.remove(write.id), createdAt };
    }
    const { id, body, expiresAt } = write;
    const revision = ++store.revision;
    store.store({ id, revision, body, createdAt, updatedAt: at, expiresAt }, write.entries);
    return { revision, createdAt };
  });
  return { ok: true, at, written };
}

function page(store: DocumentStore, { index, from, to, reverse, after, limit }: DocumentScan): DocumentPage {
  const list = store.index(index);
  const low = from === undefined ? 0 : list.rank(from);
  const high = to === undefined ? list.size : list.rank(to);
  const step = reverse ? -1 : 1;
  let rank = reverse ? high - 1 : low;
  if (after !== undefined) rank = reverse ? list.rank(after) - 1 : list.rank(`${after}\0`);
  const documents: StoredDocument[] = [];
  let last: string | null = null;
  for (; rank >= low && rank < high; rank += step) {
    if (documents.length === limit) return { documents, next: last };
    last = list.at(rank) as string;
    documents.push(store.byMember(last));
  }
  return { documents, next: null };
}

function changesAfter(store: DocumentStore, after: number, limit: number): DocumentChange[] {
  const start = sortable(after + 1);
  let live = store.live.rank(start);
  let deleted = store.deleted.rank(start);
  const changes: DocumentChange[] = [];
  while (changes.length < limit) {
    const put = store.live.at(live);
    const gone = store.deleted.at(deleted);
    if (put === undefined && gone === undefined) break;
    const isPut = gone === undefined || (put !== undefined && put < gone);
    const line = (isPut ? put : gone) as string;
    if (isPut) live++;
    else deleted++;
    const id = idOf(line);
    changes.push({ revision: Number(line.slice(0, 16)), id, document: isPut ? (store.get(id) ?? null) : null });
  }
  return changes;
}
