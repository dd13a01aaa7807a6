import { type Backend, createCounter, createLimiter, createRuntime, PortolanError } from '@portolan/core';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisHarness, redisUrl } from './harness.ts';

const runtime = createRuntime();
let redis: Redis;
let backend: Backend;
let namespace: string;

beforeAll(() => {
  redis = new Redis(redisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  namespace = `counter-${runtime.id()}`;
  backend = await redisHarness.open({ namespace, runtime });
  return () => backend.close();
});

describe('counters in Redis', () => {
  it('are plain integers under readable keys', async () => {
    const counter = createCounter({ port: backend.counter, runtime });
    await counter.increment('api.calls', { by: 41 });
    expect(await redis.incr(`${namespace}:counter:api.calls`)).toBe(42);
    expect((await counter.get('api.calls'))?.value).toBe(42);
    await counter.set('api.calls', Number.MAX_SAFE_INTEGER);
    expect(await redis.get(`${namespace}:counter:api.calls`)).toBe('9007199254740991');
  });

  it('throw CONFLICT where somebody stored something else, and leave it', async () => {
    const name = (key: string) => `${namespace}:counter:${key}`;
    await redis.set(name('text'), 'hello');
    await redis.set(name('float'), '1.5');
    await redis.set(name('hex'), '0x10');
    await redis.set(name('huge'), '9007199254740993');
    await redis.hset(name('hash'), 'a', '1');
    const counter = createCounter({ port: backend.counter, runtime });
    for (const key of ['text', 'float', 'hex', 'huge', 'hash']) {
      for (const call of [counter.increment(key), counter.get(key)]) {
        await expect(call).rejects.toSatisfy((error) => PortolanError.is(error, 'CONFLICT'));
      }
    }
    expect(await redis.get(name('text'))).toBe('hello');
  });

  it('survive SCRIPT FLUSH under load', async () => {
    const counter = createCounter({ port: backend.counter, runtime });
    for (let round = 0; round < 5; round++) {
      const adds = Array.from({ length: 50 }, () => counter.increment('n'));
      await redis.script('FLUSH');
      await Promise.all([...adds, ...Array.from({ length: 50 }, () => counter.increment('n'))]);
    }
    expect((await counter.get('n'))?.value).toBe(500);
  });

  it('keep one string with a TTL for each limited key, and write nothing when they refuse', async () => {
    const policies = [{ kind: 'gcra', limit: 1, periodMs: 3_600_000, burst: 1 }] as const;
    const limiter = createLimiter({ port: backend.counter, runtime, name: 'api', policies });
    await limiter.consume('paul');
    const key = `${namespace}:limit:api:paul`;
    const stored = await redis.get(key);
    expect(await redis.pttl(key)).toBeGreaterThan(3_500_000);
    expect((await limiter.consume('paul')).allowed).toBe(false);
    expect((await limiter.peek('paul')).allowed).toBe(false);
    expect(await redis.get(key)).toBe(stored);
  });
});
