import { type CounterAdd, type CounterAdded, type CounterPort, stepCounter, stepLimit } from '@portolan/core';
import { ExpiringMap } from './expiring-map.ts';
import type { MemoryContext } from './hub.ts';

export function memoryCounter({ hub, namespace, open }: MemoryContext): CounterPort {
  const counters = hub.state(namespace, 'counter', () => new ExpiringMap<number>(hub.clock));
  const limits = hub.state(namespace, 'limit', () => new ExpiringMap<string>(hub.clock));

  function add(one: CounterAdd): CounterAdded {
    const { key, ttlMs, ttlMode } = one;
    const stored = counters.get(key);
    const added = stepCounter(stored ?? 0, one);
    if (!added) return { value: stored ?? 0, applied: 0 };
    const renew = ttlMs !== undefined && (ttlMode === 'refresh' || stored === undefined);
    counters.set(key, added.value, renew ? ttlMs : counters.ttlMs(key));
    return added;
  }

  return {
    async add(many) {
      open();
      return many.map(add);
    },
    async read(keys) {
      open();
      return keys.map((key) => {
        const value = counters.get(key);
        return value === undefined ? null : { value, ttlMs: counters.ttlMs(key) ?? null };
      });
    },
    async write(key, value, ttlMs) {
      open();
      const existed = counters.delete(key);
      if (value !== null) counters.set(key, value, ttlMs);
      return existed;
    },
    async limit(key, policies, cost, take) {
      open();
      const { result, write } = stepLimit(limits.get(key) ?? null, policies, cost, take, hub.clock.now());
      if (write) limits.set(key, write.state, write.ttlMs);
      return result;
    },
  };
}
