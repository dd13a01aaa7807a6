import {
  type CacheAcquire,
  type CachePort,
  contentVersion,
  globMatcher,
  globPrefix,
  TAG_EPOCH_TTL_MS,
} from '@portolan/core';
import { registerCacheSweeps } from './cache-sweep.ts';
import type { SqliteContext } from './context.ts';
import { fromColumn, toColumn } from './text.ts';

/** An epoch in use is written anew when it has come this far towards its end, not at every use; it lives so much longer. */
const RENEW_MS = 3_600_000;
/** Keys that one page of a scan looks at. */
const LOOKED_AT_ONCE = 1_000;
/** Keys that one transaction drops, so that none takes long. */
const DROPPED_AT_ONCE = 200;

const ENTRY = 'SELECT text FROM cache_entry WHERE namespace = ? AND key = ? AND expires_at > ?';
const PUT_ENTRY = `
INSERT INTO cache_entry (namespace, key, expires_at, text) VALUES (?, ?, ?, ?)
ON CONFLICT (namespace, key) DO UPDATE SET expires_at = excluded.expires_at, text = excluded.text`;
const DROP_ENTRY = 'DELETE FROM cache_entry WHERE namespace = ? AND key = ? AND expires_at > ?';
const LEASE = 'SELECT lease, expires_at FROM cache_lease WHERE namespace = ? AND key = ? AND expires_at > ?';
const PUT_LEASE = `
INSERT INTO cache_lease (namespace, key, lease, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (namespace, key) DO UPDATE SET lease = excluded.lease, expires_at = excluded.expires_at`;
const END_LEASE = 'DELETE FROM cache_lease WHERE namespace = ? AND key = ? AND lease = ? AND expires_at > ?';
const DROP_LEASE = 'DELETE FROM cache_lease WHERE namespace = ? AND key = ?';
const EPOCH = 'SELECT epoch, expires_at FROM cache_tag WHERE namespace = ? AND tag = ? AND expires_at > ?';
const PUT_EPOCH = `
INSERT INTO cache_tag (namespace, tag, epoch, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (namespace, tag) DO UPDATE SET epoch = excluded.epoch, expires_at = excluded.expires_at`;
const KEYS = (comparison: '>' | '>=') => `
SELECT key, expires_at, octet_length(text) AS size FROM cache_entry WHERE namespace = ? AND key ${comparison} ? ORDER BY key LIMIT ?`;
const [KEYS_FROM, KEYS_AFTER] = [KEYS('>='), KEYS('>')];

/** Entries, leases and tag epochs, each a table. A lease or an epoch that ran out may stay as a row; it counts as absent. */
export function sqliteCache(context: SqliteContext): CachePort {
  const { engine, namespace, now, runtime } = context;
  registerCacheSweeps(context);

  /** `ms` from now, as a whole number. */
  const until = (ms: number) => Math.ceil(now() + ms);

  function entryOf(key: string): string | null {
    const row = engine.sql(ENTRY).get(namespace, key, now());
    return row ? fromColumn(row.text) : null;
  }

  /** The tag's epoch, made if it has none, kept for at least another 30 days. */
  function epochOf(tag: string): string {
    const row = engine.sql(EPOCH).get(namespace, tag, now());
    if (row && Number(row.expires_at) >= until(TAG_EPOCH_TTL_MS)) return String(row.epoch);
    const epoch = row ? String(row.epoch) : runtime.id();
    engine.sql(PUT_EPOCH).run(namespace, tag, epoch, until(TAG_EPOCH_TTL_MS + RENEW_MS));
    return epoch;
  }

  /** What keeps the caller from the lease: another entry, or somebody else's lease. */
  function obstacle(key: string, { seen, lease, force }: CacheAcquire) {
    if (force) return undefined;
    const text = entryOf(key);
    if (text !== null && contentVersion(text) !== seen) return { entry: text, waitMs: 0 };
    const held = engine.sql(LEASE).get(namespace, key, now());
    if (held && held.lease !== lease) return { entry: null, waitMs: Number(held.expires_at) - now() };
    return undefined;
  }

  return {
    read: (keys, tags) =>
      engine.read(() => ({
        entries: keys.map(entryOf),
        epochs: tags.map((tag) => (engine.sql(EPOCH).get(namespace, tag, now())?.epoch as string | undefined) ?? null),
      })),

    acquire: (key, want) =>
      engine.write(() => {
        const epochs = want.tags.map(epochOf);
        const blocked = obstacle(key, want);
        if (blocked) return { granted: false, epochs, ...blocked };
        engine.sql(PUT_LEASE).run(namespace, key, want.lease, until(want.leaseMs));
        return { granted: true, epochs, entry: null, waitMs: 0 };
      }),

    fill: (key, lease, text, ttlMs) =>
      engine.write(() => {
        if (engine.sql(END_LEASE).run(namespace, key, lease, now()).changes === 0) return false;
        engine.sql(PUT_ENTRY).run(namespace, key, until(ttlMs), toColumn(text));
        return true;
      }),

    release: (key, lease) => engine.write(() => void engine.sql(END_LEASE).run(namespace, key, lease, now())),

    async drop(keys) {
      const drops: Promise<number>[] = [];
      for (let start = 0; start < keys.length; start += DROPPED_AT_ONCE) {
        const some = keys.slice(start, start + DROPPED_AT_ONCE);
        const drop = (key: string) => {
          engine.sql(DROP_LEASE).run(namespace, key);
          return Number(engine.sql(DROP_ENTRY).run(namespace, key, now()).changes);
        };
        drops.push(engine.write(() => some.reduce((sum, key) => sum + drop(key), 0)));
      }
      return (await Promise.all(drops)).reduce((sum, one) => sum + one, 0);
    },

    retag: (tags) =>
      engine.write(() => {
        for (const tag of tags)
          engine.sql(PUT_EPOCH).run(namespace, tag, runtime.id(), until(TAG_EPOCH_TTL_MS + RENEW_MS));
      }),

    scan: ({ match, cursor, limit }) =>
      engine.read(() => {
        const [matches, prefix] = [globMatcher(match), globPrefix(match)];
        const rows = engine.sql(cursor === null ? KEYS_FROM : KEYS_AFTER);
        const items: { key: string; ttlMs: number; size: number }[] = [];
        let looked = 0;
        let last = cursor;
        for (const row of rows.iterate(namespace, cursor ?? prefix, LOOKED_AT_ONCE)) {
          const key = String(row.key);
          // The keys with the prefix stand together.
          if (!key.startsWith(prefix)) return { items, cursor: null };
          if (items.length === limit) return { items, cursor: last };
          const ttlMs = Number(row.expires_at) - now();
          if (ttlMs > 0 && matches(key)) items.push({ key, ttlMs, size: Number(row.size) });
          last = key;
          looked += 1;
        }
        return { items, cursor: looked === LOOKED_AT_ONCE ? last : null };
      }),
  };
}
