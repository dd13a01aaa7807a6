import { type CounterAdd, type CounterAdded, type CounterPort, stepLimit } from '@portolan/core';
import { ExpiringMap } from './expiring-map.ts';
import type { MemoryContext } from './hub.ts';

export function memoryCounter({ hub, namespace, open }: MemoryContext): CounterPort {
  const counters = hub.state(namespace, 'counter', () => new ExpiringMap<number>(hub.clock));
  const limits = hub.state(namespace, 'limit', () => new ExpiringMap<string>(hub.clock));

  function add({ key, by, ttlMs, ttlMode, min, max, onBound }: CounterAdd): CounterAdded {
    const stored = counters.get(key);
    const value = stored ?? 0;
    const wanted = value + by;
    // A sum beyond the safe integers may be rounded, but stays beyond them, and so beyond `min` and `max`.
    const bounded = by > 0 ? Math.max(value, Math.min(wanted, max)) : Math.min(value, Math.max(wanted, min));
    const next = by === 0 ? value : bounded;
    if (next !== wanted && onBound === 'reject') return { value, applied: 0 };
    const renew = ttlMs !== undefined && (ttlMode === 'refresh' || stored === undefined);
    counters.set(key, next, renew ? ttlMs : counters.ttlMs(key));
    return { value: next, applied: next - value };
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
