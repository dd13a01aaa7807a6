import { type CounterAdd, type CounterAdded, type CounterPort, stepCounter, stepLimit } from '@portolan/core';
import type { SqliteContext } from './context.ts';

interface Row {
  readonly value: number;
  readonly expires_at: number | null;
}

const READ =
  'SELECT value, expires_at FROM counter WHERE namespace = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)';
const WRITE = `INSERT INTO counter (namespace, key, value, expires_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`;
const REMOVE = 'DELETE FROM counter WHERE namespace = ? AND key = ?';
const READ_LIMIT = 'SELECT state FROM rate_limit WHERE namespace = ? AND key = ? AND expires_at > ?';
const WRITE_LIMIT = `INSERT INTO rate_limit (namespace, key, state, expires_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (namespace, key) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at`;
const sweep = (table: string): string =>
  `DELETE FROM ${table} WHERE (namespace, key) IN (SELECT namespace, key FROM ${table}
     WHERE expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?)`;
const SWEEPS = [sweep('counter'), sweep('rate_limit')];

/** A row per counter and per limit. What would change nothing (a rejected or a peeked limit) takes no lock. */
export function sqliteCounter({ engine, namespace, now, onSweep }: SqliteContext): CounterPort {
  const find = (key: string) => engine.sql(READ).get(namespace, key, now()) as Row | undefined;

  function add(one: CounterAdd): CounterAdded {
    const { key, ttlMs, ttlMode } = one;
    const row = find(key);
    const value = row?.value ?? 0;
    const added = stepCounter(value, one);
    if (!added) return { value, applied: 0 };
    const left = row?.expires_at ?? null;
    const renew = ttlMs !== undefined && (ttlMode === 'refresh' || !row);
    engine.sql(WRITE).run(namespace, key, added.value, renew ? now() + ttlMs : left);
    return added;
  }

  for (const text of SWEEPS) onSweep((limit) => Number(engine.sql(text).run(now(), limit).changes));

  return {
    add: (many) => engine.write(() => many.map(add)),
    read: (keys) =>
      engine.read(() =>
        keys.map((key) => {
          const row = find(key);
          return row ? { value: row.value, ttlMs: row.expires_at === null ? null : row.expires_at - now() } : null;
        }),
      ),
    write: (key, value, ttlMs) =>
      engine.write(() => {
        const existed = find(key) !== undefined;
        if (value === null) engine.sql(REMOVE).run(namespace, key);
        else engine.sql(WRITE).run(namespace, key, value, ttlMs === undefined ? null : now() + ttlMs);
        return existed;
      }),
    async limit(key, policies, cost, take) {
      const step = () => {
        const time = now();
        const row = engine.sql(READ_LIMIT).get(namespace, key, time);
        return { time, ...stepLimit((row?.state as string | undefined) ?? null, policies, cost, take, time) };
      };
      const seen = await engine.read(step);
      if (!seen.write) return seen.result;
      return engine.write(() => {
        const { time, result, write } = step();
        if (write) engine.sql(WRITE_LIMIT).run(namespace, key, write.state, time + write.ttlMs);
        return result;
      });
    },
  };
}
