import type { SqliteContext } from './context.ts';

/** Text that one step frees: a large one costs a visit to each of its pages. */
const SWEPT_BYTES = 4 * 1024 * 1024;

const OVER = 'SELECT number, octet_length(text) AS size FROM cache_entry WHERE expires_at <= ? LIMIT ?';
const DROP = 'DELETE FROM cache_entry WHERE number = ?';
const DROP_LEASES = `
DELETE FROM cache_lease WHERE (namespace, key) IN (SELECT namespace, key FROM cache_lease WHERE expires_at <= ? LIMIT ?)`;
const DROP_TAGS = `
DELETE FROM cache_tag WHERE (namespace, tag) IN (SELECT namespace, tag FROM cache_tag WHERE expires_at <= ? LIMIT ?)`;

/** Removes what has run out, of all namespaces. */
export function registerCacheSweeps({ engine, now, onSweep }: SqliteContext): void {
  onSweep((limit) => {
    let bytes = 0;
    let dropped = 0;
    for (const { number, size } of engine.sql(OVER).all(now(), limit)) {
      // Says that there is more.
      if (bytes >= SWEPT_BYTES) return limit;
      engine.sql(DROP).run(Number(number));
      bytes += Number(size);
      dropped += 1;
    }
    return dropped;
  });
  for (const statement of [DROP_LEASES, DROP_TAGS])
    onSweep((limit) => Number(engine.sql(statement).run(now(), limit).changes));
}
