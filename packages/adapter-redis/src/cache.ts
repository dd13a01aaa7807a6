import { type CachePort, TAG_EPOCH_TTL_MS } from '@portolan/core';
import { ACQUIRE, DROP, FILL, RELEASE } from './cache-scripts.ts';
import { fromHashTag, hashTag, type RedisContext } from './connection.ts';
import { scanKeys } from './scan.ts';

/**
 * An entry is plain JSON under `NAMESPACE:cache:{KEY}`, its lease stands beside it in the same slot, a tag's epoch under
 * `NAMESPACE:cache-tag:TAG`. Calls made in one tick travel in one pipeline, so methods with several commands cost one round trip.
 */
export function redisCache(context: RedisContext): CachePort {
  const entryKey = (key: string) => context.key('cache', hashTag(key));
  const slot = (key: string) => [entryKey(key), `${entryKey(key)}:lease`];
  const tagKey = (tag: string) => context.key('cache-tag', tag);
  const text = (name: string) => context.run((client) => client.get(name));

  /** The tag's epoch, made if it has none, kept for another 30 days. */
  async function epochOf(tag: string): Promise<string> {
    const epoch = context.runtime.id();
    return context.run(async (client) => {
      const name = tagKey(tag);
      const [found] = await Promise.all([
        client.set(name, epoch, 'PX', TAG_EPOCH_TTL_MS, 'NX', 'GET'),
        client.pexpire(name, TAG_EPOCH_TTL_MS),
      ]);
      return found ?? epoch;
    });
  }

  return {
    async read(keys, tags) {
      const [entries, epochs] = await Promise.all([
        Promise.all(keys.map((key) => text(entryKey(key)))),
        Promise.all(tags.map((tag) => text(tagKey(tag)))),
      ]);
      return { entries, epochs };
    },
    async acquire(key, { seen, lease, leaseMs, tags, force }) {
      const [answer, epochs] = await Promise.all([
        context.script(ACQUIRE, slot(key), [seen ?? '', lease, leaseMs, force ? 1 : 0]),
        Promise.all(tags.map(epochOf)),
      ]);
      const [granted, entry, waitMs] = answer as [number, string | null, number];
      return { granted: granted === 1, entry, epochs, waitMs };
    },
    async fill(key, lease, entry, ttlMs) {
      return (await context.script(FILL, slot(key), [lease, entry, ttlMs])) === 1;
    },
    async release(key, lease) {
      await context.script(RELEASE, [`${entryKey(key)}:lease`], [lease]);
    },
    async drop(keys) {
      const dropped = await Promise.all(keys.map((key) => context.script(DROP, slot(key), [])));
      return dropped.reduce<number>((sum, one) => sum + Number(one), 0);
    },
    async retag(tags) {
      await context.run((client) =>
        Promise.all(tags.map((tag) => client.set(tagKey(tag), context.runtime.id(), 'PX', TAG_EPOCH_TTL_MS))),
      );
    },
    async scan({ match, cursor, limit }) {
      // Ends with a brace, so leases do not match.
      const names = { prefix: `${context.key('cache')}:{`, suffix: '}' };
      const stored = (key: string) => hashTag(key).slice(1, -1);
      const page = await scanKeys(context, { ...names, escape: stored, unescape: fromHashTag, match, cursor, limit });
      const found = await context.run((client) =>
        Promise.all(
          page.keys.map(async (key) => {
            const [ttlMs, size] = await Promise.all([client.pttl(entryKey(key)), client.strlen(entryKey(key))]);
            return { key, ttlMs, size };
          }),
        ),
      );
      return { items: found.filter((one) => one.ttlMs >= 0), cursor: page.cursor };
    },
  };
}
