import type { PlacedRecord } from '@portolan/core';
import { DocumentStore, idOf, sortable } from './document-store.ts';
import type { MemoryContext } from './hub.ts';
import { type PartTransfer, sortedBehind } from './transfer-part.ts';

/** Behind a collection's counters, one of its documents (by index member) or one of its deletions (by revision). */
type DocumentPlace = readonly [collection: string, kind: 'collection' | 'document' | 'tombstone', at: string];

export function memoryDocumentTransfer({ hub, namespace }: MemoryContext): PartTransfer<DocumentPlace> {
  const stores = hub.state(namespace, 'document', () => new Map<string, DocumentStore>());

  function* from(place: DocumentPlace | null): Iterable<PlacedRecord<DocumentPlace>> {
    const begun = place && stores.get(place[0]);
    if (place && begun) yield* collectionFrom(place[0], begun, place);
    for (const [collection, store] of sortedBehind(stores, place?.[0] ?? ''))
      yield* collectionFrom(collection, store, [collection, 'collection', '']);
  }

  function* collectionFrom(
    collection: string,
    store: DocumentStore,
    [, kind, at]: DocumentPlace,
  ): Iterable<PlacedRecord<DocumentPlace>> {
    store.sweep(hub.clock.now());
    if (kind === 'collection' && at === '') {
      const { revision, floor } = store;
      yield { record: { of: 'collection', collection, revision, floor }, place: [collection, 'collection', 'told'] };
    }
    if (kind !== 'tombstone') {
      const members = store.index(null);
      for (let rank = kind === 'document' ? members.rank(`${at}\0`) : 0; rank < members.size; rank++) {
        const member = members.at(rank) as string;
        const document = store.byMember(member);
        const entries = store.entriesOf(document.id);
        yield { record: { of: 'document', collection, ...document, entries }, place: [collection, 'document', member] };
      }
    }
    const { deleted } = store;
    for (let rank = kind === 'tombstone' ? deleted.rank(sortable(Number(at) + 1)) : 0; rank < deleted.size; rank++) {
      const line = deleted.at(rank) as string;
      const revision = Number(line.slice(0, 16));
      const record = { of: 'tombstone', collection, id: idOf(line), revision } as const;
      yield { record, place: [collection, 'tombstone', String(revision)] };
    }
  }

  return {
    count: () => [...stores.values()].reduce((sum, store) => sum + 1 + store.size + store.deleted.size, 0),
    walk: {
      from,
      readPlace(content) {
        const [collection, kind, at] = Array.isArray(content) ? (content as unknown[]) : [];
        if (typeof collection !== 'string' || typeof at !== 'string') return undefined;
        if (kind !== 'collection' && kind !== 'document' && kind !== 'tombstone') return undefined;
        return [collection, kind, at];
      },
    },
    load(record) {
      if (record.of !== 'collection' && record.of !== 'document' && record.of !== 'tombstone') return;
      const store = stores.get(record.collection) ?? new DocumentStore();
      stores.set(record.collection, store);
      store.revision = Math.max(store.revision, record.revision);
      if (record.of === 'collection') store.floor = Math.max(store.floor, record.floor);
      else if (record.of === 'tombstone') store.removed(record.id, record.revision);
      else {
        const { of: _, collection: __, entries, ...document } = record;
        if (document.expiresAt !== null && document.expiresAt <= hub.clock.now()) return;
        store.release(document.id);
        store.store(document, entries);
      }
    },
  };
}
