import { type CacheOptions, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { cacheOn, counting, failing, gated, passing } from './cache-kit.ts';
import type { AddCase } from './suite.ts';

const HOUR = 3_600_000;
const code = (expected: Parameters<typeof PortolanError.is>[1]) => (error: unknown) =>
  PortolanError.is(error, expected);

/** Core on the port: what is answered when, from where, and what may be looked at. */
export function windowCases(test: AddCase): void {
  test('core: runs the factory once while fresh; every caller has an object of its own', async (at) => {
    const { cache } = cacheOn(at);
    const { factory, runs } = counting();
    const make = async () => ({ runs: [await factory()] });
    const first = await cache.fetch('k', make, { freshMs: HOUR });
    expect(first).toEqual({ value: { runs: [1] }, status: 'MISS', ageMs: 0 });
    first.value.runs.push(99);
    const second = await cache.fetch('k', make, { freshMs: HOUR });
    expect(second).toMatchObject({ value: { runs: [1] }, status: 'HIT' });
    expect(await cache.getOrSet('k', make, { freshMs: HOUR })).toEqual({ runs: [1] });
    expect(runs()).toBe(1);
    expect(await cache.fetch('null', async () => null, { freshMs: HOUR })).toMatchObject({
      value: null,
      status: 'MISS',
    });
    expect(await cache.fetch('null', failing, { freshMs: HOUR })).toMatchObject({ value: null, status: 'HIT' });
  });

  test('core: answers a stale value at once and refreshes it once in the background', async (at) => {
    const { cache } = cacheOn(at);
    const options = { freshMs: 50, staleMs: HOUR };
    await cache.getOrSet('k', async () => 'old', options);
    await at.kit.pass(60);
    const { factory, open, started, runs } = gated('new');
    const answers = await Promise.all(Array.from({ length: 20 }, () => cache.fetch('k', factory, options)));
    for (const answer of answers) expect(answer).toMatchObject({ value: 'old', status: 'STALE' });
    expect(answers[0]?.ageMs).toBeGreaterThanOrEqual(50);
    expect(await cache.get('k')).toMatchObject({ value: 'old', stale: true });
    await started;
    open();
    await at.kit.eventually('the refreshed value is stored', async () => (await cache.get('k'))?.value === 'new');
    expect(runs()).toBe(1);
  });

  test('core: logs a background refresh that fails, and goes on answering the stale value', async (at) => {
    const { cache, warnings } = cacheOn(at);
    const options = { freshMs: 50, staleMs: HOUR };
    await cache.getOrSet('k', async () => 'old', options);
    await at.kit.pass(60);
    expect(await cache.fetch('k', failing, options)).toMatchObject({ value: 'old', status: 'STALE' });
    await at.kit.eventually('a warning', () => warnings.some((one) => one.includes('background')));
    expect(await cache.fetch('k', failing, options)).toMatchObject({ value: 'old', status: 'STALE' });
  });

  test('core: past the stale window waits for the factory, and falls back only within ifErrorMs', async (at) => {
    const { cache, warnings } = cacheOn(at);
    const options = { freshMs: 20, staleMs: 30, ifErrorMs: HOUR };
    await cache.getOrSet('kept', async () => 'old', options);
    await cache.getOrSet('gone', async () => 'old', { freshMs: 50 });
    await at.kit.pass(60);
    expect(await cache.get('kept')).toBeUndefined();
    expect(await cache.fetch('kept', failing, options)).toMatchObject({ value: 'old', status: 'STALE' });
    expect(warnings).toHaveLength(1);
    expect(await cache.fetch('kept', async () => 'new', options)).toMatchObject({ value: 'new', status: 'MISS' });
    await expect(cache.fetch('gone', failing, { ...options, freshMs: HOUR })).rejects.toThrow('upstream is down');
  });

  test('core: hands the previous value to the factory in every mode', async (at) => {
    const { cache } = cacheOn(at);
    const options = { freshMs: 50, ifErrorMs: HOUR };
    type Previous = { value: unknown; ageMs: number } | undefined;
    const previous = async (rest: Partial<CacheOptions>) => {
      let seen: Previous;
      const factory = async (context: { previous?: NonNullable<Previous> }) => {
        seen = context.previous;
        return 'second';
      };
      await cache.getOrSet<unknown>('k', factory, { ...options, ...rest });
      return seen;
    };
    expect(await previous({})).toBeUndefined();
    await at.kit.pass(60);
    const expired = await previous({});
    expect(expired?.value).toBe('second');
    expect(expired?.ageMs).toBeGreaterThanOrEqual(50);
    expect((await previous({ mode: 'refresh' }))?.value).toBe('second');
  });

  test('core: refresh replaces, bypass leaves alone, only-if-cached never runs the factory', async (at) => {
    const { cache } = cacheOn(at);
    const { factory, runs } = counting();
    const fresh = { freshMs: HOUR };
    await expect(cache.fetch('k', factory, { ...fresh, mode: 'only-if-cached' })).rejects.toSatisfy(code('NOT_FOUND'));
    expect(await cache.fetch('k', factory, { ...fresh, mode: 'bypass' })).toMatchObject({ value: 1, status: 'MISS' });
    expect(await cache.get('k')).toBeUndefined();
    await cache.fetch('k', factory, fresh);
    expect(await cache.fetch('k', factory, { ...fresh, mode: 'refresh' })).toMatchObject({ value: 3, status: 'MISS' });
    expect(await cache.fetch('k', factory, { ...fresh, mode: 'only-if-cached' })).toMatchObject({
      value: 3,
      status: 'HIT',
    });
    await expect(cache.fetch('k', failing, { ...fresh, mode: 'refresh' })).rejects.toThrow('upstream is down');
    expect(await cache.fetch('k', factory, fresh)).toMatchObject({ value: 3, status: 'HIT' });
    expect(runs()).toBe(3);
  });

  test('core: ends a factory at its deadline, aborts its signal and lets the next caller try', async (at) => {
    const { cache } = cacheOn(at);
    let signal: AbortSignal | undefined;
    const endless = (context: { signal: AbortSignal }) => {
      signal = context.signal;
      return new Promise<never>(() => undefined);
    };
    const call = cache.fetch('k', endless, { freshMs: HOUR, timeoutMs: 50 });
    await expect(passing(at.kit, call)).rejects.toSatisfy(code('TIMEOUT'));
    expect(signal?.aborted).toBe(true);
    expect(await cache.fetch('k', async () => 1, { freshMs: HOUR })).toMatchObject({ value: 1, status: 'MISS' });
  });

  test("core: a caller's signal ends its own wait; the value is stored for others", async (at) => {
    const { cache } = cacheOn(at);
    const { factory, open, started } = gated('value');
    const caller = new AbortController();
    const call = cache.fetch('k', factory, { freshMs: HOUR, signal: caller.signal });
    await started;
    caller.abort();
    await expect(call).rejects.toSatisfy(code('CANCELLED'));
    await expect(cache.fetch('k', failing, { freshMs: HOUR, signal: caller.signal })).rejects.toSatisfy(
      code('CANCELLED'),
    );
    open();
    await at.kit.eventually('the value is stored', async () => (await cache.get('k'))?.value === 'value');
  });

  test('core: answers what is too large to store, and refuses what is no JSON', async (at) => {
    const { cache, warnings } = cacheOn(at, { maxEntryBytes: 1_000 });
    const { factory, runs } = counting();
    const large = async () => `${await factory()}${'é'.repeat(500)}`;
    for (const run of [1, 2]) expect((await cache.getOrSet('k', large, { freshMs: HOUR }))[0]).toBe(String(run));
    expect(runs()).toBe(2);
    expect(warnings).toHaveLength(2);
    for (const value of [undefined, () => 1, 1n]) {
      await expect(cache.getOrSet('bad', async () => value, { freshMs: HOUR })).rejects.toSatisfy(code('INVALID'));
    }
    expect(await cache.getOrSet('bad', async () => 1, { freshMs: HOUR })).toBe(1);
  });

  test('core: invalidates by tag, also entries filled before the code named the tag', async (at) => {
    const { cache } = cacheOn(at);
    const tagged = (...tags: string[]) => ({ freshMs: HOUR, ifErrorMs: HOUR, tags });
    await cache.getOrSet('a', async () => 1, tagged('users', 'paul'));
    await cache.getOrSet('b', async () => 1, tagged('users'));
    await cache.getOrSet('c', async () => 1, { freshMs: HOUR });
    await cache.invalidateTags('paul', 'nobody');
    expect(await cache.get('a')).toBeUndefined();
    await expect(cache.fetch('a', failing, tagged('users', 'paul'))).rejects.toThrow('upstream is down');
    expect(await cache.get('b')).toMatchObject({ value: 1 });
    expect(await cache.fetch('a', async () => 2, tagged('paul', 'users'))).toMatchObject({ value: 2, status: 'MISS' });
    expect(await cache.fetch('a', failing, tagged('users', 'paul'))).toMatchObject({ value: 2, status: 'HIT' });
    expect(await cache.fetch('c', async () => 2, tagged('users'))).toMatchObject({ value: 2, status: 'MISS' });
    await cache.invalidateTags('users');
    for (const key of ['a', 'b', 'c']) expect(await cache.get(key, { tags: ['users'] })).toBeUndefined();
  });

  test('core: shows entries and keys; names keep caches apart', async (at) => {
    const { cache } = cacheOn(at, { name: 'api' });
    const other = cacheOn(at, { name: 'pages' }).cache;
    await cache.getOrSet('spain', async () => [1, 2], { freshMs: 60_000, staleMs: HOUR, tags: ['countries'] });
    await other.getOrSet('spain', async () => 'page', { freshMs: HOUR, tags: ['countries'] });
    const shown = await cache.inspect('spain');
    expect(shown).toMatchObject({ key: 'spain', value: [1, 2], type: 'json', tags: ['countries'] });
    expect(shown?.freshMs).toBeGreaterThan(30_000);
    expect(shown?.freshMs).toBeLessThanOrEqual(60_000);
    expect(shown?.ttlMs).toBeGreaterThan(HOUR);
    expect(shown?.ageMs).toBeLessThan(30_000);
    expect(await cache.inspect('france')).toBeUndefined();
    expect(await cache.keys()).toMatchObject({ keys: [{ key: 'spain' }], cursor: null });
    expect((await cache.keys({ match: 'fr*' })).keys).toEqual([]);
    await other.invalidateTags('countries');
    expect(await cache.get('spain')).toMatchObject({ value: [1, 2], stale: false });
    expect(await cache.drop('spain', 'france')).toBe(1);
    expect(await cache.drop()).toBe(0);
  });

  test('core: refuses bad options, keys and tags', async (at) => {
    const { cache } = cacheOn(at);
    const day = 24 * HOUR;
    const bad: CacheOptions[] = [
      { freshMs: 0 },
      { freshMs: -1 },
      { freshMs: 1.5 },
      { freshMs: Number.NaN },
      { freshMs: 10 * day, staleMs: 10 * day, ifErrorMs: 10 * day + 1 },
      { freshMs: 1, timeoutMs: 0 },
      { freshMs: 1, mode: 'sometimes' as 'normal' },
      { freshMs: 1, tags: [''] },
      { freshMs: 1, tags: Array.from({ length: 65 }, (_, i) => `t${i}`) },
    ];
    for (const options of bad) await expect(cache.fetch('k', failing, options)).rejects.toSatisfy(code('INVALID'));
    await expect(cache.fetch('', failing, { freshMs: 1 })).rejects.toSatisfy(code('INVALID'));
    await expect(cache.keys({ limit: 0 })).rejects.toSatisfy(code('INVALID'));
    expect(() => cacheOn(at, { name: 'a:b' })).toThrow(/cache/);
  });
}
