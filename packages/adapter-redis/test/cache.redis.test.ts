import { type Backend, cacheKey, createCache, createRuntime, PortolanError } from '@portolan/core';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisHarness, redisUrl } from './harness.ts';

const MONTH = 30 * 24 * 3_600_000;
const runtime = createRuntime();
let redis: Redis;
let backend: Backend;
let namespace: string;

beforeAll(() => {
  redis = new Redis(redisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  namespace = `cache-${runtime.id()}`;
  backend = await redisHarness.open({ namespace, runtime });
  return () => backend.close();
});

describe('a cache in Redis', () => {
  it('keeps entries as plain JSON under readable keys, with a TTL', async () => {
    const cache = createCache({ port: backend.cache, runtime, name: 'api' });
    const key = cacheKey('universities', { country: 'Spain' });
    const value = [{ name: 'Universidad de Málaga', domains: ['uma.es'] }];
    await cache.getOrSet(key, async () => value, { freshMs: 30_000, staleMs: 60_000, tags: ['countries'] });
    const name = `${namespace}:cache:{api:universities:(country="Spain")}`;
    const stored = await redis.get(name);
    expect(stored).toContain('"value":[{"name":"Universidad de Málaga","domains":["uma.es"]}]}');
    const entry = JSON.parse(stored ?? '');
    expect(entry).toMatchObject({ value, freshUntil: entry.filledAt + 30_000, staleUntil: entry.filledAt + 90_000 });
    const ttl = await redis.pttl(name);
    expect(ttl).toBeGreaterThan(60_000);
    expect(ttl).toBeLessThanOrEqual(90_000);
    const epoch = await redis.get(`${namespace}:cache-tag:api:countries`);
    expect(entry.tags).toEqual({ 'api:countries': epoch });
  });

  it('leaves nothing without a TTL, and keeps the epoch of a tag in use for 30 days from the last use', async () => {
    const cache = createCache({ port: backend.cache, runtime });
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow = async () => {
      started.resolve();
      await gate.promise;
    };
    const call = cache.getOrSet('k', async () => slow().then(() => 1), {
      freshMs: 60_000,
      tags: ['t'],
      timeoutMs: 5_000,
    });
    await started.promise;
    const lease = await redis.pttl(`${namespace}:cache:{k}:lease`);
    expect(lease).toBeGreaterThan(10_000);
    expect(lease).toBeLessThanOrEqual(15_000);
    gate.resolve();
    await call;
    const tag = `${namespace}:cache-tag:t`;
    await redis.pexpire(tag, 60_000);
    await cache.getOrSet('other', async () => 1, { freshMs: 60_000, tags: ['t'] });
    expect(await redis.pttl(tag)).toBeGreaterThan(MONTH - 60_000);
    await redis.pexpire(tag, 60_000);
    await cache.invalidateTags('t');
    expect(await redis.pttl(tag)).toBeGreaterThan(MONTH - 60_000);
    const names = await redis.keys(`${namespace}:*`);
    expect(names.sort()).toEqual([`${namespace}:cache-tag:t`, `${namespace}:cache:{k}`, `${namespace}:cache:{other}`]);
    for (const name of names) expect(await redis.pttl(name)).toBeGreaterThan(0);
  });

  it('takes an entry whose tag lost its epoch (evicted) for invalid, also after the tag is used again', async () => {
    const cache = createCache({ port: backend.cache, runtime });
    const options = { freshMs: 60_000, tags: ['t'] };
    await cache.getOrSet('k', async () => 1, options);
    await redis.del(`${namespace}:cache-tag:t`);
    expect(await cache.get('k')).toBeUndefined();
    await cache.getOrSet('other', async () => 1, options);
    expect(await cache.get('k')).toBeUndefined();
  });

  it('survives SCRIPT FLUSH', async () => {
    const cache = createCache({ port: backend.cache, runtime });
    for (let round = 0; round < 3; round++) {
      const call = cache.getOrSet(`k${round}`, async () => round, { freshMs: 60_000 });
      await redis.script('FLUSH');
      expect(await call).toBe(round);
      expect(await cache.get(`k${round}`)).toMatchObject({ value: round });
    }
    expect(await cache.drop('k0', 'k1', 'none')).toBe(2);
  });

  it('takes a key that holds another kind for a failing store', async () => {
    const cache = createCache({ port: backend.cache, runtime });
    await redis.hset(`${namespace}:cache:{k}`, 'a', '1');
    expect(await cache.fetch('k', async () => 1, { freshMs: 60_000 })).toMatchObject({ value: 1, status: 'MISS' });
    await expect(cache.get('k')).rejects.toSatisfy((error) => PortolanError.is(error, 'CONFLICT'));
    expect(await cache.drop('k')).toBe(1);
  });

  it('runs factories within the deadline when the backend is closed', async () => {
    const cache = createCache({ port: backend.cache, runtime });
    await backend.close();
    expect(await cache.getOrSet('k', async () => 'value', { freshMs: 60_000 })).toBe('value');
    await expect(cache.get('k')).rejects.toSatisfy((error) => PortolanError.is(error, 'UNAVAILABLE'));
  });
});
