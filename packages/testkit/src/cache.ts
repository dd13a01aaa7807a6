import { type CachePort, contentVersion } from '@portolan/core';
import { expect } from 'vitest';
import { allEntries } from './cache-entries.ts';
import { failureCases } from './cache-failure.ts';
import { flightCases } from './cache-flight.ts';
import { windowCases } from './cache-window.ts';
import type { Harness } from './harness.ts';
import { type AddCase, suite } from './suite.ts';

const HOUR = 3_600_000;
const A = '{"value":"a"}';
const B = '{"value":"é 🚢"}';

const acquire = (
  port: CachePort,
  key: string,
  lease: string,
  rest: { seen?: string; leaseMs?: number; force?: boolean } = {},
) => port.acquire(key, { seen: null, leaseMs: HOUR, force: false, tags: [], ...rest, lease });

async function put(port: CachePort, key: string, text: string, ttlMs = HOUR): Promise<void> {
  await acquire(port, key, 'put', { force: true });
  expect(await port.fill(key, 'put', text, ttlMs)).toBe(true);
}

function portCases(test: AddCase): void {
  test('reads entries and epochs in order, null where there is none', async ({ kit, backend: { cache } }) => {
    await put(cache, 'a', A);
    await put(cache, 'b', B);
    await put(cache, 'short', A, 50);
    await kit.pass(60);
    const { epochs } = await cache.acquire('x', { seen: null, lease: 'l', leaseMs: HOUR, force: false, tags: ['t'] });
    expect(epochs[0]).toEqual(expect.any(String));
    expect(await cache.read(['b', 'none', 'a', 'short'], ['none', 't'])).toEqual({
      entries: [B, null, A, null],
      epochs: [null, epochs[0]],
    });
    expect(await cache.read([], [])).toEqual({ entries: [], epochs: [] });
  });

  test('grants one lease at a time and tells others how long it lasts', async ({ backend: { cache } }) => {
    expect(await acquire(cache, 'k', 'one')).toEqual({ granted: true, entry: null, epochs: [], waitMs: 0 });
    const refused = await acquire(cache, 'k', 'two');
    expect(refused).toMatchObject({ granted: false, entry: null });
    expect(refused.waitMs).toBeGreaterThan(HOUR - 60_000);
    expect((await acquire(cache, 'other', 'two')).granted).toBe(true);
    expect((await acquire(cache, 'k', 'one')).granted).toBe(true);
    await cache.release('k', 'two');
    expect((await acquire(cache, 'k', 'two')).granted).toBe(false);
    await cache.release('k', 'one');
    expect((await acquire(cache, 'k', 'two')).granted).toBe(true);
  });

  test('grants again when a lease has run out, and refuses its late fill', async ({ kit, backend: { cache } }) => {
    await acquire(cache, 'k', 'one', { leaseMs: 50 });
    await kit.pass(60);
    expect(await cache.fill('k', 'one', A, HOUR)).toBe(false);
    expect((await acquire(cache, 'k', 'two')).granted).toBe(true);
    expect(await cache.fill('k', 'one', A, HOUR)).toBe(false);
    expect(await cache.fill('k', 'two', B, HOUR)).toBe(true);
    expect((await cache.read(['k'], [])).entries).toEqual([B]);
  });

  test('answers an entry that the caller has not seen, and grants for the one it has', async ({
    backend: { cache },
  }) => {
    await put(cache, 'k', B);
    for (const seen of [undefined, contentVersion(A)]) {
      const answer = await acquire(cache, 'k', 'one', seen === undefined ? {} : { seen });
      expect(answer).toEqual({ granted: false, entry: B, epochs: [], waitMs: 0 });
    }
    expect(await acquire(cache, 'k', 'one', { seen: contentVersion(B) })).toMatchObject({ granted: true, entry: null });
    expect((await acquire(cache, 'gone', 'one', { seen: contentVersion(B) })).granted).toBe(true);
  });

  test('takes over by force, and refuses who was taken over', async ({ backend: { cache } }) => {
    await put(cache, 'k', A);
    await acquire(cache, 'k', 'one', { seen: contentVersion(A) });
    expect(await acquire(cache, 'k', 'two', { force: true })).toMatchObject({ granted: true, entry: null });
    expect(await cache.fill('k', 'one', B, HOUR)).toBe(false);
    expect((await cache.read(['k'], [])).entries).toEqual([A]);
    expect(await cache.fill('k', 'two', B, HOUR)).toBe(true);
    expect(await cache.fill('k', 'two', A, HOUR)).toBe(false);
  });

  test('drops entries and leases, counting entries', async ({ backend: { cache } }) => {
    await put(cache, 'a', A);
    await put(cache, 'b', B);
    await acquire(cache, 'c', 'one');
    expect(await cache.drop(['a', 'b', 'c', 'none'])).toBe(2);
    expect(await cache.drop(['a'])).toBe(0);
    expect(await cache.fill('c', 'one', A, HOUR)).toBe(false);
    expect((await cache.read(['a', 'b', 'c'], [])).entries).toEqual([null, null, null]);
  });

  test('keeps the epoch of a tag until it is retagged', async ({ kit, backend }) => {
    const ports = [backend.cache, (await kit.open()).cache];
    const epochs = async (port: CachePort | undefined) =>
      (await port?.acquire('k', { seen: null, lease: 'l', leaseMs: HOUR, force: false, tags: ['t', 'u'] }))?.epochs;
    const before = await epochs(ports[0]);
    expect(new Set(before).size).toBe(2);
    expect(await epochs(ports[1])).toEqual(before);
    await ports[1]?.retag(['t', 'new']);
    const after = await epochs(ports[0]);
    expect(after?.[0]).not.toBe(before?.[0]);
    expect(after?.[1]).toBe(before?.[1]);
    expect((await backend.cache.read([], ['new'])).epochs[0]).toEqual(expect.any(String));
  });

  test('pages through keys by glob without leases, each at least once', async ({ backend: { cache } }) => {
    const keys = Array.from({ length: 25 }, (_, i) => `user:{${i}}%*[`);
    for (const key of keys) await put(cache, key, B);
    await put(cache, 'other', A);
    await acquire(cache, 'user:leased', 'one');
    const items = await allEntries(cache, 'user:*\\*[', 10);
    for (const item of items) {
      expect(item.size).toBe(Buffer.byteLength(B));
      expect(item.ttlMs).toBeGreaterThan(HOUR - 60_000);
    }
    expect(items.map((item) => item.key).sort()).toEqual(keys.sort());
    expect(await allEntries(cache, 'user:leased', 10)).toEqual([]);
  });

  test('of 200 callers in two processes one gets the lease', async ({ kit, backend }) => {
    const ports = [backend.cache, (await kit.open()).cache];
    const answers = await Promise.all(
      ports.flatMap((port, p) => Array.from({ length: 100 }, (_, i) => acquire(port, 'k', `lease-${p}-${i}`))),
    );
    expect(answers.filter((one) => one.granted)).toHaveLength(1);
  });
}

export function cacheSuite(harness: Harness): void {
  suite(harness, 'cache', (test) => {
    portCases(test);
    windowCases(test);
    flightCases(test);
    failureCases(test);
  });
}
