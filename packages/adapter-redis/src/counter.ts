import { type CounterPort, type LimitState, policiesText } from '@portolan/core';
import type { RedisContext } from './connection.ts';
import { ADD, LIMIT, READ } from './counter-scripts.ts';

/** Counters are plain integers under `NAMESPACE:counter:NAME`, limits one string each under `NAMESPACE:limit:KEY`. Every step has one key. */
export function redisCounter(context: RedisContext): CounterPort {
  const counterKey = (key: string) => context.key('counter', key);
  return {
    // Calls made in one tick travel in one pipeline.
    add: (many) =>
      Promise.all(
        many.map(async ({ key, by, min, max, onBound, ttlMs, ttlMode }) => {
          const args = [by, min, max, onBound, ttlMs ?? '', ttlMode];
          const [value, applied] = (await context.script(ADD, [counterKey(key)], args)) as [string, string];
          return { value: Number(value), applied: Number(applied) };
        }),
      ),
    read: (keys) =>
      Promise.all(
        keys.map(async (key) => {
          const found = (await context.script(READ, [counterKey(key)], [])) as [string, number] | null;
          // A key in its last millisecond still has a PTTL of 0.
          return found && { value: Number(found[0]), ttlMs: found[1] < 0 ? null : Math.max(1, found[1]) };
        }),
      ),
    write: (key, value, ttlMs) =>
      context.run(async (client) => {
        const name = counterKey(key);
        if (value === null) return (await client.del(name)) === 1;
        if (ttlMs === undefined) return (await client.set(name, value, 'GET')) !== null;
        return (await client.set(name, value, 'PX', ttlMs, 'GET')) !== null;
      }),
    async limit(key, policies, cost, take) {
      const parts = policies.flatMap((one) => [
        one.kind,
        one.limit,
        one.periodMs,
        one.kind === 'gcra' ? one.burst : one.limit,
      ]);
      const args = [policiesText(policies), cost, take ? 1 : 0, ...parts];
      const answer = (await context.script(LIMIT, [context.key('limit', key)], args)) as number[];
      const states = policies.map((_, index): LimitState => {
        const [remaining = 0, retryAfterMs = 0, resetMs = 0] = answer.slice(1 + 3 * index);
        return { remaining, retryAfterMs: retryAfterMs < 0 ? Number.POSITIVE_INFINITY : retryAfterMs, resetMs };
      });
      return { allowed: answer[0] === 1, policies: states };
    },
  };
}
