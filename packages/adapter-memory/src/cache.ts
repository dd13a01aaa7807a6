import { type CachePort, contentVersion, globMatcher, TAG_EPOCH_TTL_MS } from '@portolan/core';
import { ExpiringMap } from './expiring-map.ts';
import type { MemoryContext } from './hub.ts';

export const cacheState = ({ hub, namespace }: MemoryContext) =>
  hub.state(namespace, 'cache', () => ({
    entries: new ExpiringMap<string>(hub.clock),
    leases: new ExpiringMap<string>(hub.clock),
    epochs: new ExpiringMap<string>(hub.clock),
    lastEpoch: 0,
  }));

export function memoryCache(context: MemoryContext): CachePort {
  const { open } = context;
  const state = cacheState(context);
  const { entries, leases, epochs } = state;

  /** Never the same twice in this hub, which is all that chance is for elsewhere. */
  const newEpoch = () => `epoch-${++state.lastEpoch}`;
  function epochOf(tag: string): string {
    const epoch = epochs.get(tag) ?? newEpoch();
    epochs.set(tag, epoch, TAG_EPOCH_TTL_MS);
    return epoch;
  }

  return {
    async read(keys, tags) {
      open();
      return {
        entries: keys.map((key) => entries.get(key) ?? null),
        epochs: tags.map((tag) => epochs.get(tag) ?? null),
      };
    },
    async acquire(key, { seen, lease, leaseMs, tags, force }) {
      open();
      const answer = { granted: false, entry: null, epochs: tags.map(epochOf), waitMs: 0 };
      const text = entries.get(key);
      if (!force && text !== undefined && contentVersion(text) !== seen) return { ...answer, entry: text };
      const holder = leases.get(key);
      if (!force && holder !== undefined && holder !== lease) return { ...answer, waitMs: leases.ttlMs(key) ?? 0 };
      leases.set(key, lease, leaseMs);
      return { ...answer, granted: true };
    },
    async fill(key, lease, text, ttlMs) {
      open();
      if (leases.get(key) !== lease) return false;
      leases.delete(key);
      entries.set(key, text, ttlMs);
      return true;
    },
    async release(key, lease) {
      open();
      if (leases.get(key) === lease) leases.delete(key);
    },
    async drop(keys) {
      open();
      let dropped = 0;
      for (const key of keys) {
        leases.delete(key);
        if (entries.delete(key)) dropped++;
      }
      return dropped;
    },
    async retag(tags) {
      open();
      for (const tag of tags) epochs.set(tag, newEpoch(), TAG_EPOCH_TTL_MS);
    },
    async scan({ match, cursor, limit }) {
      open();
      const matches = globMatcher(match);
      // By key, so that a cursor (the last key of the page before) stays good whatever comes and goes.
      const found = entries
        .keys()
        .filter((key) => (cursor === null || key > cursor) && matches(key))
        .sort((a, b) => (a < b ? -1 : 1));
      const items = found.slice(0, limit).map((key) => ({
        key,
        ttlMs: entries.ttlMs(key) ?? 0,
        size: Buffer.byteLength(entries.get(key) ?? ''),
      }));
      return { items, cursor: found.length > limit ? (items.at(-1)?.key ?? null) : null };
    },
  };
}
