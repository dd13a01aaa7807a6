import { type TransferPart, type TransferPort, transferFields, transferValue, walkPage } from '@portolan/core';
import { cacheState } from './cache.ts';
import { ExpiringMap } from './expiring-map.ts';
import type { MemoryContext } from './hub.ts';
import type { KeyValueState } from './key-value.ts';
import { memoryBroadcastTransfer } from './transfer-broadcast.ts';
import { memoryDocumentTransfer } from './transfer-document.ts';
import { type PartTransfer, sortedBehind } from './transfer-part.ts';
import { memoryQueueTransfer } from './transfer-queue.ts';

export function memoryTransfer(context: MemoryContext): TransferPort {
  const parts: Record<TransferPart, PartTransfer<unknown>> = {
    keyValue: keyValue(context),
    counter: counter(context),
    cache: cache(context),
    document: memoryDocumentTransfer(context),
    queue: memoryQueueTransfer(context),
    broadcast: memoryBroadcastTransfer(context),
  };
  return {
    async count(part) {
      context.open();
      return parts[part].count();
    },
    async dump(part, cursor, limit) {
      context.open();
      return walkPage(parts[part].walk, cursor, limit);
    },
    async load(records) {
      context.open();
      for (const record of records) for (const part of Object.values(parts)) part.load(record);
    },
  };
}

const readText = (content: unknown): string | undefined => (typeof content === 'string' ? content : undefined);

/** Behind so many portions of a key's fields. */
type KeyPlace = readonly [key: string, portions: number];

function keyValue({ hub, namespace }: MemoryContext): PartTransfer<KeyPlace> {
  const state: KeyValueState = hub.state(namespace, 'key-value', () => new Map());
  const isLive = (expiresAt: number | null) => expiresAt === null || expiresAt > hub.clock.now();

  function* from(place: KeyPlace | null) {
    const [after, portions] = place ?? ['', 0];
    const begun = portions > 0 ? state.get(after) : undefined;
    const behind = sortedBehind(state, after);
    for (const [key, held] of begun ? [[after, begun] as const, ...behind] : behind) {
      const { expiresAt } = held;
      if (!isLive(expiresAt)) continue;
      if (held.kind === 'value') {
        const value = typeof held.value === 'string' ? { text: held.value } : transferValue(held.value);
        yield { record: { of: 'key', key, value, expiresAt } as const, place: [key, 0] as const };
        continue;
      }
      let told = 0;
      for (const fields of transferFields(held.fields)) {
        if (++told <= portions && key === after) continue;
        yield { record: { of: 'key', key, value: { fields }, expiresAt } as const, place: [key, told] as const };
      }
    }
  }

  return {
    count: () => state.size,
    walk: {
      from,
      readPlace(content) {
        const [key, portions] = Array.isArray(content) ? (content as unknown[]) : [];
        return typeof key === 'string' && typeof portions === 'number' ? [key, portions] : undefined;
      },
    },
    load(record) {
      if (record.of !== 'key' || !isLive(record.expiresAt)) return;
      const { key, value, expiresAt } = record;
      if ('fields' in value) {
        const there = state.get(key);
        const before = there?.kind === 'fields' && isLive(there.expiresAt) ? there.fields : [];
        state.set(key, { kind: 'fields', fields: new Map([...before, ...Object.entries(value.fields)]), expiresAt });
      } else {
        const content = 'text' in value ? value.text : new Uint8Array(Buffer.from(value.base64, 'base64'));
        state.set(key, { kind: 'value', value: content, expiresAt });
      }
    },
  };
}

function counter({ hub, namespace }: MemoryContext): PartTransfer<string> {
  const counters = hub.state(namespace, 'counter', () => new ExpiringMap<number>(hub.clock));
  return {
    count: () => counters.keys().length,
    walk: {
      *from(place) {
        for (const [key, { value, expiresAt }] of sortedBehind(counters.entries(), place ?? ''))
          yield { record: { of: 'counter', key, value, expiresAt }, place: key };
      },
      readPlace: readText,
    },
    load(record) {
      if (record.of === 'counter') counters.put(record.key, record.value, record.expiresAt);
    },
  };
}

/** Entries, then tags; a place is `entry:KEY` or `tag:TAG`. */
function cache(context: MemoryContext): PartTransfer<string> {
  const state = cacheState(context);
  const { entries, epochs } = state;
  return {
    count: () => entries.keys().length + epochs.keys().length,
    walk: {
      *from(place) {
        const tag = /^tag:(.*)$/s.exec(place ?? '')?.[1];
        const live = tag === undefined ? sortedBehind(entries.entries(), place?.slice('entry:'.length) ?? '') : [];
        for (const [key, { value: text, expiresAt }] of live)
          yield { record: { of: 'entry', key, text, expiresAt: expiresAt ?? 0 }, place: `entry:${key}` };
        for (const [name, { value: epoch, expiresAt }] of sortedBehind(epochs.entries(), tag ?? ''))
          yield { record: { of: 'tag', tag: name, epoch, expiresAt: expiresAt ?? 0 }, place: `tag:${name}` };
      },
      readPlace: readText,
    },
    load(record) {
      if (record.of === 'entry') entries.put(record.key, record.text, record.expiresAt);
      if (record.of !== 'tag') return;
      epochs.put(record.tag, record.epoch, record.expiresAt);
      // An epoch of another hub is never given out again here.
      const number = Number(/^epoch-(\d{1,15})$/.exec(record.epoch)?.[1] ?? 0);
      state.lastEpoch = Math.max(state.lastEpoch, number);
    },
  };
}
