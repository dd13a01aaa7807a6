import { type KeyRecord, type PlacedRecord, TRANSFER_FIELDS, transferValue } from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { KeyValueRows } from './key-value-rows.ts';
import { fromColumn, toColumn } from './text.ts';
import { type PartTransfer, readTuple } from './transfer-part.ts';

const LIVE = '(expires_at IS NULL OR expires_at > ?3)';
const KEYS = `SELECT key, id, expires_at, fields, value FROM key_value WHERE namespace = ?1 AND key > ?2 AND ${LIVE} ORDER BY key`;
const KEY = `SELECT key, id, expires_at, fields, value FROM key_value WHERE namespace = ?1 AND key = ?2 AND ${LIVE}`;
const FIELDS = 'SELECT field, value FROM key_value_field WHERE entry = ? AND field > ? ORDER BY field LIMIT ?';
const COUNT_KEYS = 'SELECT count(*) + coalesce(sum(fields), 0) AS n FROM key_value WHERE namespace = ?';

interface KeyRow {
  readonly key: string;
  readonly id: number;
  readonly expires_at: number | null;
  readonly fields: number | null;
  readonly value: unknown;
}

/** Behind a key, or behind one of its fields when that is not ''. */
type KeyPlace = readonly [key: string, field: string];

export function sqliteKeyValueTransfer(context: SqliteContext): PartTransfer<KeyPlace> {
  const { engine, namespace, now } = context;
  const rows = new KeyValueRows(context);

  function* fieldsOf({ key, id, expires_at }: KeyRow, after: string): Iterable<PlacedRecord<KeyPlace>> {
    let last = after;
    for (;;) {
      const found = engine.sql(FIELDS).all(id, last, TRANSFER_FIELDS);
      if (found.length === 0) return;
      last = String(found.at(-1)?.field);
      const fields = Object.fromEntries(found.map(({ field, value }) => [String(field), fromColumn(value)]));
      const ended = found.length < TRANSFER_FIELDS;
      yield { record: { of: 'key', key, value: { fields }, expiresAt: expires_at }, place: [key, ended ? '' : last] };
      if (ended) return;
    }
  }

  function* from(place: KeyPlace | null): Iterable<PlacedRecord<KeyPlace>> {
    const [after, field] = place ?? ['', ''];
    const begun = field === '' ? undefined : engine.sql(KEY).get(namespace, after, now());
    if (begun) yield* fieldsOf(begun as unknown as KeyRow, field);
    for (const found of engine.sql(KEYS).iterate(namespace, after, now())) {
      const row = found as unknown as KeyRow;
      const { key, value, expires_at: expiresAt } = row;
      if (row.fields !== null) {
        yield* fieldsOf(row, '');
        continue;
      }
      const content = typeof value === 'string' ? { text: value } : transferValue(value as Uint8Array);
      yield { record: { of: 'key', key, value: content, expiresAt }, place: [key, ''] };
    }
  }

  function load({ key, value, expiresAt }: KeyRecord): void {
    if (expiresAt !== null && expiresAt <= now()) return;
    if ('text' in value) rows.set(key, value.text, expiresAt);
    else if ('base64' in value) rows.set(key, Buffer.from(value.base64, 'base64'), expiresAt);
    else {
      const there = engine.sql(KEY).get(namespace, key, now());
      if (there?.fields === null) rows.apply({ op: 'delete', key });
      rows.apply({ op: 'setFields', key, fields: value.fields, expiresAt });
    }
  }

  return {
    count: () => Number(engine.sql(COUNT_KEYS).get(namespace)?.n),
    walk: { from, readPlace: (content) => readTuple(content, ['string', 'string']) },
    load(records) {
      for (const record of records) if (record.of === 'key') load(record);
    },
  };
}

const COUNTERS = `SELECT key, value, expires_at FROM counter WHERE namespace = ?1 AND key > ?2 AND ${LIVE} ORDER BY key`;
const WRITE_COUNTER = 'INSERT OR REPLACE INTO counter (namespace, key, value, expires_at) VALUES (?, ?, ?, ?)';

export function sqliteCounterTransfer({ engine, namespace, now }: SqliteContext): PartTransfer<string> {
  return {
    count: () => Number(engine.sql('SELECT count(*) AS n FROM counter WHERE namespace = ?').get(namespace)?.n),
    walk: {
      *from(place) {
        for (const row of engine.sql(COUNTERS).iterate(namespace, place ?? '', now())) {
          const {
            key,
            value,
            expires_at: expiresAt,
          } = row as { key: string; value: number; expires_at: number | null };
          yield { record: { of: 'counter', key, value, expiresAt }, place: key };
        }
      },
      readPlace: (content) => (typeof content === 'string' ? content : undefined),
    },
    load(records) {
      for (const record of records) {
        if (record.of !== 'counter' || (record.expiresAt !== null && record.expiresAt <= now())) continue;
        engine.sql(WRITE_COUNTER).run(namespace, record.key, record.value, record.expiresAt);
      }
    },
  };
}

const ENTRIES = `SELECT key, text, expires_at FROM cache_entry WHERE namespace = ?1 AND key > ?2 AND expires_at > ?3 ORDER BY key`;
const TAGS = `SELECT tag, epoch, expires_at FROM cache_tag WHERE namespace = ?1 AND tag > ?2 AND expires_at > ?3 ORDER BY tag`;
const COUNT_CACHE = `SELECT (SELECT count(*) FROM cache_entry WHERE namespace = ?1)
  + (SELECT count(*) FROM cache_tag WHERE namespace = ?1) AS n`;
const PUT_ENTRY = `INSERT INTO cache_entry (namespace, key, expires_at, text) VALUES (?, ?, ?, ?)
  ON CONFLICT (namespace, key) DO UPDATE SET expires_at = excluded.expires_at, text = excluded.text`;
const PUT_TAG = 'INSERT OR REPLACE INTO cache_tag (namespace, tag, epoch, expires_at) VALUES (?, ?, ?, ?)';

/** Entries, then tags. */
export function sqliteCacheTransfer({
  engine,
  namespace,
  now,
}: SqliteContext): PartTransfer<readonly [string, string]> {
  return {
    count: () => Number(engine.sql(COUNT_CACHE).get(namespace)?.n),
    walk: {
      *from(place) {
        const [kind, after] = place ?? ['entry', ''];
        for (const row of kind === 'entry' ? engine.sql(ENTRIES).iterate(namespace, after, now()) : []) {
          const key = String(row.key);
          const record = { of: 'entry', key, text: fromColumn(row.text), expiresAt: Number(row.expires_at) } as const;
          yield { record, place: ['entry', key] };
        }
        for (const row of engine.sql(TAGS).iterate(namespace, kind === 'tag' ? after : '', now())) {
          const tag = String(row.tag);
          const record = { of: 'tag', tag, epoch: String(row.epoch), expiresAt: Number(row.expires_at) } as const;
          yield { record, place: ['tag', tag] };
        }
      },
      readPlace: (content) => readTuple(content, ['string', 'string']),
    },
    load(records) {
      for (const record of records) {
        if ((record.of !== 'entry' && record.of !== 'tag') || record.expiresAt <= now()) continue;
        if (record.of === 'tag') engine.sql(PUT_TAG).run(namespace, record.tag, record.epoch, record.expiresAt);
        else engine.sql(PUT_ENTRY).run(namespace, record.key, record.expiresAt, toColumn(record.text));
      }
    },
  };
}
