import { createRuntime, defineCollection, encodeIndexKey, openCollection } from '@portolan/core';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { redisHarness, redisUrl } from './harness.ts';

const runtime = createRuntime();
const namespace = `doc-${runtime.id()}`;
let redis: Redis;
let port: Awaited<ReturnType<typeof redisHarness.open>>['document'];
let close: () => Promise<void>;

beforeAll(async () => {
  redis = new Redis(redisUrl());
  const backend = await redisHarness.open({ namespace, runtime });
  ({ document: port, close } = backend);
});
afterAll(async () => {
  await close();
  redis.disconnect();
});

const put = (id: string, expiresAt: number | null = null) => ({
  op: 'put' as const,
  id,
  expect: 'any' as const,
  body: `{"name": "${id}"}`,
  entries: [
    { index: 'city', key: encodeIndexKey('São Paulo', 'city') },
    { index: 'email', key: encodeIndexKey(id, 'email'), unique: true },
  ],
  expiresAt,
});
const keysOf = async (collection: string): Promise<string[]> =>
  (await redis.keys(`${namespace}:doc:{${collection}}:*`)).map((key) => key.split('}:')[1] ?? '').sort();

it('stores plain JSON under readable keys', async () => {
  await port.commit('users', [put('7')]);
  const base = `${namespace}:doc:{users}`;
  expect(await redis.hget(`${base}:item:7`, 'body')).toBe('{"name": "7"}');
  expect(await redis.zrange(`${base}:index:city`, '0', '-1')).toEqual(['sS~c3~a3o!20Paulo  7']);
  expect(await redis.hgetall(`${base}:unique:email`)).toEqual({ s7: '7' });
  expect(await redis.get(`${base}:revision`)).toBe('1');
});

it('leaves nothing behind but the counter and bounded tombstones', async () => {
  const soon = Date.now() + 100;
  await port.commit('gone', [put('a'), put('b', soon), put('c', soon)]);
  await port.commit('gone', [{ op: 'delete', id: 'a', expect: 'any' }]);
  await runtime.sleep(150);
  await port.changes('gone', 0, 1);
  expect(await keysOf('gone')).toEqual(['deleted', 'revision']);
  expect(await redis.zrange(`${namespace}:doc:{gone}:deleted`, '0', '-1')).toEqual(['a', 'b', 'c']);
});

it('a sweep frees the space of what expired in a collection that nobody touches', async () => {
  const brief = openCollection(defineCollection({ name: 'brief', schema: z.string(), ttlMs: 50 }), { port, runtime });
  await brief.put('a', 'body');
  expect(await keysOf('brief')).toContain('item:a');
  await runtime.sleep(80);
  await brief.sweep();
  expect(await keysOf('brief')).toEqual(['deleted', 'revision']);
});

it('a read or a refused commit leaves no key at all', async () => {
  await port.read('never', ['a']);
  await port.scan('never', { index: 'city', limit: 5 });
  await port.changes('never', 0, 5);
  await port.commit('never', [{ ...put('a'), expect: 'present' }]);
  expect(await keysOf('never')).toEqual([]);
});

it('keeps revisions exact beyond 14 digits', async () => {
  await redis.set(`${namespace}:doc:{large}:revision`, '4503599627370495');
  const commit = await port.commit('large', [put('a'), put('b')]);
  expect(commit).toMatchObject({ ok: true, written: [{ revision: 4503599627370496 }, { revision: 4503599627370497 }] });
  expect(await port.commit('large', [{ ...put('a'), expect: 4503599627370495 }])).toMatchObject({ reason: 'revision' });
  expect(await port.commit('large', [{ ...put('a'), expect: 4503599627370496 }])).toMatchObject({ ok: true });
  expect(await port.changes('large', 4503599627370497, 5)).toMatchObject({
    revision: 4503599627370498,
    changes: [{ id: 'a', revision: 4503599627370498 }],
  });
});

it('survives SCRIPT FLUSH', async () => {
  await redis.script('FLUSH');
  expect(await port.commit('flushed', [put('a')])).toMatchObject({ ok: true });
  expect(await port.read('flushed', ['a'])).toMatchObject([{ id: 'a' }]);
});

it('an item that the server evicted is absent, and its unique key free', async () => {
  await port.commit('evicted', [put('a'), put('b')]);
  await redis.del(`${namespace}:doc:{evicted}:item:a`);
  const page = await port.scan('evicted', { index: 'city', limit: 1 });
  expect(page).toMatchObject({ documents: [{ id: 'b' }], next: null });
  const claim = { ...put('new'), entries: put('a').entries };
  expect(await port.commit('evicted', [claim])).toMatchObject({ ok: true });
  expect(await port.changes('evicted', 0, 10)).toMatchObject({ changes: [{ id: 'b' }, { id: 'new' }] });
});
