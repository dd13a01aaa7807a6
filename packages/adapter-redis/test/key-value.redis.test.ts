import {
  type Backend,
  contentVersion,
  createKeyValue,
  createRuntime,
  type KeyValue,
  PortolanError,
} from '@portolan/core';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { redisHarness, redisUrl } from './harness.ts';

describe('key-value on Redis', () => {
  const runtime = createRuntime();
  let namespace: string;
  let backend: Backend;
  let kv: KeyValue;
  let redis: Redis;
  beforeEach(async () => {
    namespace = `kv-${runtime.id()}`;
    backend = await redisHarness.open({ namespace, runtime });
    kv = createKeyValue({ port: backend.keyValue, runtime });
    redis = new Redis(redisUrl());
  });
  afterEach(async () => {
    redis.disconnect();
    await backend.close();
  });
  const stored = (key: string) => `${namespace}:kv:${key}`;

  it('stores plain JSON under readable keys, and nothing beside it', async () => {
    await kv.set('user:1', { name: 'Eden' }, { ttlMs: 60_000 });
    await kv.set('city', 'Tel Aviv');
    await kv.setFields('map', { a: [1], b: null });
    await kv.update('n', () => 1);
    expect(await redis.get(stored('user:1'))).toBe('{"name":"Eden"}');
    expect(await redis.get(stored('city'))).toBe('"Tel Aviv"');
    expect(await redis.hgetall(stored('map'))).toEqual({ a: '[1]', b: 'null' });
    expect(await redis.pttl(stored('user:1'))).toBeGreaterThan(30_000);
    const [, keys] = await redis.scan(0, 'MATCH', `${namespace}:*`, 'COUNT', 100_000);
    expect(keys.sort()).toEqual(['city', 'map', 'n', 'user:1'].map(stored));
  });

  it('reads what services in other languages wrote', async () => {
    await redis.set(stored('theirs'), '{ "n": 1 }');
    expect(await kv.entry('theirs')).toEqual({ value: { n: 1 }, version: contentVersion('{ "n": 1 }'), ttlMs: null });
    expect(await kv.update('theirs', (now) => ({ ...(now as object), m: 2 }))).toEqual({ n: 1, m: 2 });
  });

  it('calls of one tick keep their order', async () => {
    const port = backend.keyValue;
    const set = (key: string, value: string) => port.commit([], [{ op: 'set', key, value, expiresAt: null }]);
    const del = (key: string) => port.commit([], [{ op: 'delete', key }]);
    const text = async (key: string) => (await port.read([key], { as: 'text' }))[0]?.value;
    const sets = [set('a', '1'), set('a', '2'), set('b', '1')];
    const seen = [text('a'), del('b'), set('c', '1')];
    const versioned = port.commit([{ key: 'c', is: { version: contentVersion('1') } }], [{ op: 'delete', key: 'c' }]);
    const fields = port.readFields('a').catch((error: unknown) => PortolanError.is(error, 'CONFLICT'));
    const last = [set('d', '1'), port.read(['d', 'a'], { as: 'bytes' })];
    await Promise.all([...sets, ...last]);
    expect(await Promise.all(seen)).toEqual(['2', { ok: true, counts: [1] }, { ok: true, counts: [1] }]);
    expect(await versioned).toEqual({ ok: true, counts: [1] });
    expect(await fields).toBe(true);
    expect(((await last[1]) as unknown[]).every((one) => one !== null)).toBe(true);
  });

  it('a read sees the writes called before it, though other reads were called earlier still', async () => {
    const calls = [kv.get('other'), kv.set('mine', 1), kv.get('mine')];
    expect((await Promise.all(calls))[2]).toBe(1);
  });

  it('gathers far more calls than one batch holds, each with its own answer', async () => {
    const many = Array.from({ length: 1_050 }, (_, at) => `k${at}`);
    await Promise.all(many.map((key) => kv.set(key, key)));
    expect(await Promise.all([...many, 'none'].map((key) => kv.get(key)))).toEqual([...many, undefined]);
    const long = 'x'.repeat(100_000);
    await Promise.all([kv.set('long', long), kv.set('short', 1)]);
    expect(await Promise.all([kv.get('long'), kv.get('short')])).toEqual([long, 1]);
  });

  it('a first script call in a tick that has other calls works, and so do all after SCRIPT FLUSH', async () => {
    const calls = () =>
      Promise.all([
        kv.delete('none'),
        kv.set('k', 1, { version: 'none' }),
        kv.entry('k'),
        kv.keys({ match: 'k' }),
        kv.getFields('map', ['a']),
        kv.touch('k', null),
      ]);
    const first = await calls();
    await redis.script('FLUSH');
    expect(await calls()).toEqual(first);
  });

  it('leaves data of other kinds alone', async () => {
    await redis.rpush(stored('{t}list'), 'x');
    await expect(kv.setFields('{t}list', { a: 1 })).rejects.toSatisfy((error) => PortolanError.is(error, 'CONFLICT'));
    const several = kv.commit(
      [],
      [
        { op: 'set', key: '{t}new', value: 1 },
        { op: 'setFields', key: '{t}list', fields: { a: 1 } },
      ],
    );
    await expect(several).rejects.toSatisfy((error) => PortolanError.is(error, 'CONFLICT'));
    expect([await kv.get('{t}list'), await kv.exists('{t}new')]).toEqual([undefined, false]);
    expect((await kv.keys()).keys).toEqual([]);
  });

  it('cursors stay short whatever the limit', async () => {
    const entries = Array.from({ length: 3_000 }, (_, at) => ({ key: `a-key-of-some-length:${at}`, value: at }));
    await kv.setMany(entries);
    for (const limit of [1, 100, 1_000]) {
      const found = new Set<string>();
      let cursor: string | null = null;
      for (let page = 0; page < 50; page++) {
        const answer = await kv.keys({ match: 'a-key*', cursor, limit });
        for (const { key } of answer.keys) found.add(key);
        cursor = answer.cursor;
        expect(cursor?.length ?? 0).toBeLessThan(2_048);
        if (cursor === null) break;
      }
      expect(found.size).toBeGreaterThanOrEqual(Math.min(50 * limit, 3_000) * 0.9);
    }
  });

  it('every gathered call fails when the backend is closed', async () => {
    await backend.close();
    const calls = await Promise.allSettled([kv.get('a'), kv.get('b'), kv.set('c', 1), kv.exists('d')]);
    for (const call of calls) {
      expect(call.status === 'rejected' && PortolanError.is(call.reason, 'UNAVAILABLE')).toBe(true);
    }
  });
});
