import type { MessageRecord, PlacedRecord, TopicRecord } from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { type PartTransfer, readTuple } from './transfer-part.ts';

const COLUMNS = 'name, id, incarnation, base, oldest, first, last, expires_at AS expiresAt, forget_at AS forgetAt';
const TOPICS = `SELECT ${COLUMNS} FROM topic WHERE namespace = ? AND name > ? AND forget_at > ? ORDER BY name`;
const TOPIC = `SELECT ${COLUMNS} FROM topic WHERE namespace = ? AND name = ?`;
const COUNT = `SELECT coalesce(sum(1 + iif(expires_at > ?2, last - first + 1, 0)), 0) AS n
  FROM topic WHERE namespace = ?1 AND forget_at > ?2`;
const MESSAGES = 'SELECT position, at, data FROM topic_message WHERE topic = ? AND position >= ? ORDER BY position';
const ADD = `INSERT INTO topic (namespace, name, incarnation, base, oldest, first, last, expires_at, forget_at, sweep_at)
  VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?)`;
const SAVE = `UPDATE topic SET incarnation = ?, base = ?, oldest = ?, first = ?, last = ?, expires_at = ?, forget_at = ?,
  sweep_at = min(sweep_at, ?) WHERE id = ?`;
const NEWEST = 'SELECT max(position) AS position FROM topic_message WHERE topic = ? AND position >= ?';
const INSERT = 'INSERT OR REPLACE INTO topic_message (topic, position, at, data) VALUES (?, ?, ?, ?)';

/** A topic's row; positions, see the schema. */
interface Log {
  readonly name: string;
  readonly id: number;
  readonly incarnation: number;
  readonly base: number;
  readonly oldest: number;
  readonly first: number;
  readonly last: number;
  readonly expiresAt: number;
  readonly forgetAt: number;
}

/** Behind a topic's record (0) or its message of that sequence. */
type Place = readonly [topic: string, sequence: number];

export function sqliteBroadcastTransfer({ engine, namespace, now, signals }: SqliteContext): PartTransfer<Place> {
  const find = (topic: string) => engine.sql(TOPIC).get(namespace, topic) as Log | undefined;

  function save(log: Log): void {
    const { id, incarnation, base, oldest, first, last, expiresAt, forgetAt } = log;
    const due = Math.max(expiresAt, now());
    engine.sql(SAVE).run(incarnation, base, oldest, first, last, expiresAt, forgetAt, due, id);
  }

  function* messages({ name: topic, id, ...log }: Log, behind: number): Iterable<PlacedRecord<Place>> {
    const { incarnation, expiresAt } = log;
    if (expiresAt <= now()) return;
    const start = Math.max(log.first, log.base + behind + 1);
    for (const row of engine.sql(MESSAGES).iterate(id, start)) {
      const sequence = Number(row.position) - log.base;
      const [data, at] = [String(row.data), Number(row.at)];
      const record = { of: 'message', topic, incarnation, sequence, data, at, expiresAt } as const;
      yield { record, place: [topic, sequence] };
    }
  }

  function loadTopic(record: TopicRecord): void {
    const { topic, incarnation, sequence, messagesExpireAt, countersExpireAt } = record;
    if (countersExpireAt <= now()) return;
    const log = find(topic);
    if (!log) {
      const first = sequence + 1;
      const due = Math.max(messagesExpireAt, now());
      engine
        .sql(ADD)
        .run(namespace, topic, incarnation, first, first, sequence, messagesExpireAt, countersExpireAt, due);
    } else if (log.incarnation !== incarnation || log.forgetAt <= now()) {
      const last = log.last + sequence;
      const times = { expiresAt: messagesExpireAt, forgetAt: countersExpireAt };
      save({ ...log, incarnation, base: log.last, first: last + 1, last, ...times });
    } else {
      // What has expired stays so, though messages come behind it.
      const last = Math.max(log.last, log.base + sequence);
      const first = log.expiresAt <= now() || log.first > log.last ? last + 1 : log.first;
      const expiresAt = Math.max(log.expiresAt, messagesExpireAt);
      save({ ...log, first, last, expiresAt, forgetAt: Math.max(log.forgetAt, countersExpireAt) });
    }
  }

  /** Behind those that are here. What is kept has no holes: behind one, it begins anew. */
  function loadMessage({ topic, incarnation, sequence, data, at, expiresAt }: MessageRecord): void {
    const log = find(topic);
    if (log?.incarnation !== incarnation || expiresAt <= now()) return;
    const position = log.base + sequence;
    const expired = log.expiresAt <= now();
    const newest = expired ? null : engine.sql(NEWEST).get(log.id, log.first)?.position;
    const top = newest == null ? 0 : Number(newest);
    if (position <= top) return;
    engine.sql(INSERT).run(log.id, position, at, data);
    const first = top === 0 || position > top + 1 ? position : log.first;
    save({
      ...log,
      oldest: Math.min(log.oldest, position),
      first,
      last: Math.max(log.last, position),
      expiresAt: Math.max(log.expiresAt, expiresAt),
    });
  }

  return {
    count: () => Number(engine.sql(COUNT).get(namespace, now())?.n),
    walk: {
      *from(place) {
        const begun = place && find(place[0]);
        if (place && begun && begun.forgetAt > now()) yield* messages(begun, place[1]);
        for (const row of engine.sql(TOPICS).iterate(namespace, place?.[0] ?? '', now())) {
          const log = row as unknown as Log;
          const { name: topic, incarnation, expiresAt: messagesExpireAt, forgetAt: countersExpireAt } = log;
          const sequence = log.last - log.base;
          const record = { of: 'topic', topic, incarnation, sequence, messagesExpireAt, countersExpireAt } as const;
          yield { record, place: [topic, 0] };
          yield* messages(log, 0);
        }
      },
      readPlace: (content) => readTuple(content, ['string', 'number']),
    },
    load(records) {
      const told = new Set<string>();
      for (const record of records) {
        if (record.of === 'topic') loadTopic(record);
        if (record.of !== 'message') continue;
        loadMessage(record);
        told.add(record.topic);
      }
      for (const topic of told) signals.raise(`topic:${topic}`);
    },
  };
}
