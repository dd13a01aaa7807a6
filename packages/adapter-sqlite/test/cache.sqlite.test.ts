import { type CachePort, contentVersion, TAG_EPOCH_TTL_MS } from '@portolan/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sqliteCache } from '../src/cache.ts';
import { openPortKit } from './port-kit.ts';

const HOUR = 3_600_000;
let kit: ReturnType<typeof openPortKit>;
let cache: CachePort;

beforeEach(() => {
  kit = openPortKit();
  cache = sqliteCache(kit.context(1));
});
afterEach(() => kit.engine.close());

const want = { seen: null, lease: 'l', leaseMs: 1_000, force: true, tags: [] };
async function put(key: string, text: string, ttlMs: number, port = cache): Promise<void> {
  await port.acquire(key, want);
  expect(await port.fill(key, want.lease, text, ttlMs)).toBe(true);
}

it('an entry of any text comes back whole, NUL included', async () => {
  const texts = ['a\0b', '\0', '', 'é🚢\0', 'plain'];
  for (const [at, text] of texts.entries()) await put(`k${at}`, text, HOUR);
  const { entries } = await cache.read(['k0', 'k1', 'k2', 'k3', 'k4'], []);
  expect(entries).toEqual(texts);
  const { items } = await cache.scan({ match: '*', cursor: null, limit: 10 });
  expect(items.map(({ size }) => size)).toEqual(texts.map((text) => Buffer.byteLength(text)));
  expect((await cache.acquire('k0', { ...want, force: false, seen: contentVersion('a\0b') })).granted).toBe(true);
});

it('sweeps what has run out, of every namespace, and nothing else', async () => {
  const other = sqliteCache(kit.context(2));
  for (const port of [cache, other]) {
    for (let n = 0; n < 25; n++) await put(`short${n}`, '1', 1_000, port);
    await put('long', '1', 2 * HOUR, port);
    await port.acquire('died', want);
    await port.acquire('alive', { ...want, leaseMs: 2 * HOUR });
  }
  await kit.runtime.advance(HOUR);
  await kit.sweepAll(10);
  expect([kit.rows('cache_entry'), kit.rows('cache_lease')]).toEqual([2, 2]);
  expect((await other.read(['long'], [])).entries).toEqual(['1']);
});

it('frees large entries few at a time', async () => {
  const text = 'x'.repeat(1024 * 1024);
  for (let n = 0; n < 12; n++) await put(`k${n}`, text, 1_000);
  await kit.runtime.advance(1_001);
  // Entries in three steps of four, and one for nothing more of entries, leases and tags each.
  expect(await kit.sweepAll(100)).toBeLessThanOrEqual(6);
  expect(await kit.sweepAll(100)).toBe(3);
  expect(kit.rows('cache_entry')).toBe(0);
});

it('keeps an epoch for 30 days from its last use without writing it at each, then sweeps it', async () => {
  const epoch = async () => (await cache.acquire('k', { ...want, tags: ['t'] })).epochs[0];
  const stored = () => kit.engine.sql('SELECT * FROM cache_tag').all();
  const first = await epoch();
  const row = stored();
  await kit.runtime.advance(HOUR / 2);
  expect(await epoch()).toBe(first);
  expect(stored()).toEqual(row);
  await kit.runtime.advance(HOUR);
  expect(await epoch()).toBe(first);
  expect(stored()).not.toEqual(row);
  await kit.runtime.advance(TAG_EPOCH_TTL_MS - 1);
  expect((await cache.read([], ['t'])).epochs).toEqual([first]);
  await kit.sweepAll(10);
  expect(kit.rows('cache_tag')).toBe(1);
  await kit.runtime.advance(2 * HOUR);
  expect((await cache.read([], ['t'])).epochs).toEqual([null]);
  await kit.sweepAll(10);
  expect(kit.rows('cache_tag')).toBe(0);
});

it('a page of a scan looks at a bounded number of keys, whatever matches', async () => {
  await Promise.all(Array.from({ length: 2_500 }, (_, n) => put(`a${n}`, '1', HOUR)));
  await put('a漢', '1', HOUR);
  await put('b', '1', HOUR);
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const page = await cache.scan({ match: 'a*漢', cursor, limit: 10 });
    pages.push(page.items.map(({ key }) => key));
    cursor = page.cursor;
  } while (cursor !== null);
  expect(pages).toEqual([[], [], ['a漢']]);
});

it('drops many keys in several writes', async () => {
  const keys = Array.from({ length: 450 }, (_, n) => `k${n}`);
  await Promise.all(keys.map((key) => put(key, '1', HOUR)));
  expect(await cache.drop([...keys, 'none'])).toBe(450);
  expect(kit.rows('cache_entry')).toBe(0);
});

it('every statement finds its rows through an index, but for the sweep of leases', async () => {
  await put('k', '1', HOUR);
  await cache.read(['k'], ['t']);
  await cache.acquire('k', { ...want, force: false, tags: ['t'] });
  await cache.acquire('gone', { ...want, force: false });
  await cache.retag(['t']);
  await cache.release('k', 'l');
  const { cursor } = await cache.scan({ match: '*', cursor: null, limit: 1 });
  await cache.scan({ match: '*', cursor: cursor ?? 'a', limit: 1 });
  await cache.drop(['k']);
  await kit.sweepAll(10);
  const plans = kit.plans();
  expect(plans.length).toBeGreaterThan(10);
  const scans = plans.filter(({ plan }) => /SCAN|TEMP B-TREE/.test(plan));
  expect(scans.map(({ text }) => text.trim().slice(0, 23))).toEqual(['DELETE FROM cache_lease']);
});
