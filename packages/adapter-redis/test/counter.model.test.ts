import { memoryAdapter } from '@portolan/adapter-memory';
import { type Backend, createRuntime, type LimitPolicy, policiesText, stepLimit } from '@portolan/core';
import { checkCounterModel } from '@portolan/testkit';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callScript } from '../src/connection.ts';
import { LIMIT } from '../src/counter-scripts.ts';
import { redisHarness, redisUrl } from './harness.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 200);
const runtime = createRuntime();
const namespace = `model-${runtime.id()}`;
let redis: Redis;
let subject: Backend;

beforeAll(async () => {
  redis = new Redis(redisUrl());
  subject = await redisHarness.open({ namespace, runtime });
});
afterAll(async () => {
  await subject.close();
  redis.disconnect();
});

it('counts like the memory adapter, whatever is asked in whatever order', async () => {
  await checkCounterModel(async () => {
    await redis.del(...['a', 'b', 'c'].map((key) => `${namespace}:counter:${key}`));
    const oracle = await memoryAdapter().open('memory:', { namespace, runtime, deadlineMs: 1_000 });
    return { oracle: oracle.counter, subject: subject.counter };
  }, RUNS);
}, 600_000);

// The same script with the time handed in, and without the expiry that belongs to real time.
const TIMED = {
  name: 'portolanTestTimedLimit',
  lua: LIMIT.lua
    .replace("redis.call('TIME')", '{ KEYS[2], KEYS[3] }')
    .replace(", 'PX', string.format('%.0f', ttl))", ')')
    .replace('return answer', 'answer[#answer + 1] = ttl\nreturn answer'),
};

const policy: fc.Arbitrary<LimitPolicy> = fc
  .record({
    kind: fc.constantFrom('gcra' as const, 'fixed' as const, 'sliding' as const),
    limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 })),
    periodMs: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 2_000_000_000 })),
    burst: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 1_000_000 })),
  })
  .map(({ kind, burst, ...rest }) => (kind === 'gcra' ? { kind, burst, ...rest } : { kind, ...rest }));
const visit = fc.record({
  // Time mostly goes on, sometimes back.
  afterMs: fc.oneof(fc.integer({ min: -20, max: 60 }), fc.integer({ min: 0, max: 3_000_000_000 })),
  cost: fc.oneof(
    fc.integer({ min: 0, max: 4 }),
    fc.integer({ min: 0, max: 1_000_000 }),
    fc.maxSafeInteger().map(Math.abs),
  ),
  take: fc.boolean(),
});

it('computes limits in Lua exactly as core does in TypeScript', async () => {
  expect(TIMED.lua).not.toContain('TIME');
  expect(TIMED.lua).not.toContain('PX');
  const key = `${namespace}:limit:model`;
  const sequence = fc.tuple(fc.array(policy, { minLength: 1, maxLength: 3 }), fc.array(visit, { maxLength: 25 }));
  const property = fc.asyncProperty(sequence, async ([policies, visits]) => {
    await redis.del(key);
    let state: string | null = null;
    let now = Date.UTC(2026, 0, 1);
    for (const { afterMs, cost, take } of visits) {
      now += afterMs;
      const step = stepLimit(state, policies, cost, take, now);
      state = step.write?.state ?? state;
      const parts = policies.flatMap((one) => [
        one.kind,
        one.limit,
        one.periodMs,
        'burst' in one ? one.burst : one.limit,
      ]);
      const args = [policiesText(policies), cost, take ? 1 : 0, ...parts];
      const time = [String(Math.floor(now / 1000)), String((now % 1000) * 1000 + 999)];
      const answer = await callScript(redis, TIMED, [key, ...time], args);
      const expected = step.result.policies.flatMap((one) => [
        one.remaining,
        one.retryAfterMs === Number.POSITIVE_INFINITY ? -1 : one.retryAfterMs,
        one.resetMs,
      ]);
      const ttl = Math.max(...step.result.policies.map((one) => one.resetMs));
      expect(answer).toEqual([step.result.allowed ? 1 : 0, ...expected, ttl]);
      if (step.write) expect(step.write.ttlMs).toBe(ttl);
      expect(await redis.get(key)).toBe(state);
    }
  });
  await fc.assert(property, { numRuns: RUNS });
}, 600_000);
