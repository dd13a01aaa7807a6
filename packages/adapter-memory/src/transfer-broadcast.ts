import type { PlacedRecord } from '@portolan/core';
import { broadcastState, type Log } from './broadcast.ts';
import type { MemoryContext } from './hub.ts';
import { type PartTransfer, sortedBehind } from './transfer-part.ts';

/** Behind a topic's record (0) or its message of that sequence. */
type TopicPlace = readonly [topic: string, sequence: number];

export function memoryBroadcastTransfer(context: MemoryContext): PartTransfer<TopicPlace> {
  const { logs, listeners } = broadcastState(context);
  const now = () => context.hub.clock.now();

  function* from(place: TopicPlace | null): Iterable<PlacedRecord<TopicPlace>> {
    const begun = place && logs.get(place[0]);
    if (place && begun && begun.forgetAt > now()) yield* messagesBehind(place[0], begun, place[1]);
    for (const [topic, log] of sortedBehind(logs, place?.[0] ?? '')) {
      const { incarnation, sequence, expiresAt: messagesExpireAt, forgetAt: countersExpireAt } = log;
      if (countersExpireAt <= now()) continue;
      const record = { of: 'topic', topic, incarnation, sequence, messagesExpireAt, countersExpireAt } as const;
      yield { record, place: [topic, 0] };
      yield* messagesBehind(topic, log, 0);
    }
  }

  function* messagesBehind(topic: string, log: Log, behind: number): Iterable<PlacedRecord<TopicPlace>> {
    if (log.expiresAt <= now()) return;
    const { incarnation, expiresAt } = log;
    for (const { sequence, data, at } of log.entries) {
      if (sequence <= behind) continue;
      const record = { of: 'message', topic, incarnation, sequence, data, at, expiresAt } as const;
      yield { record, place: [topic, sequence] };
    }
  }

  return {
    count: () => [...logs.values()].reduce((sum, log) => sum + 1 + log.entries.length, 0),
    walk: {
      from,
      readPlace(content) {
        const [topic, sequence] = Array.isArray(content) ? (content as unknown[]) : [];
        return typeof topic === 'string' && typeof sequence === 'number' ? [topic, sequence] : undefined;
      },
    },
    load(record) {
      if (record.of === 'topic') {
        const { topic, incarnation, sequence, messagesExpireAt, countersExpireAt } = record;
        if (countersExpireAt <= now()) return;
        const there = logs.get(topic);
        const same = there?.incarnation === incarnation && there.forgetAt > now();
        logs.set(topic, {
          incarnation,
          sequence: Math.max(sequence, same ? there.sequence : 0),
          entries: same && there.expiresAt > now() ? there.entries : [],
          expiresAt: Math.max(messagesExpireAt, same ? there.expiresAt : 0),
          forgetAt: Math.max(countersExpireAt, same ? there.forgetAt : 0),
        });
      }
      if (record.of === 'message') {
        const { topic, incarnation, sequence, data, at, expiresAt } = record;
        const log = logs.get(topic);
        if (log?.incarnation !== incarnation || expiresAt <= now()) return;
        if (log.expiresAt <= now()) log.entries = [];
        log.expiresAt = Math.max(log.expiresAt, expiresAt);
        const last = log.entries.at(-1)?.sequence ?? 0;
        if (sequence <= last) return;
        // What is kept has no holes: behind one, it begins anew.
        if (sequence > last + 1) log.entries = [];
        log.entries.push({ sequence, data, at });
        log.sequence = Math.max(log.sequence, sequence);
        for (const listener of listeners.get(topic) ?? []) queueMicrotask(listener);
      }
    },
  };
}
