import { PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { cacheOn, counting, gated } from './cache-kit.ts';
import { chaos } from './chaos.ts';
import type { AddCase } from './suite.ts';

const fresh = { freshMs: 3_600_000, tags: ['t'] };
const unavailable = (error: unknown) => PortolanError.is(error, 'UNAVAILABLE');

/** Core on a port that fails. */
export function failureCases(test: AddCase): void {
  test('core: with the store away factories still run, once per process at a time', async (at) => {
    const { target, on, heal } = chaos(at.backend.cache);
    for (const method of ['read', 'acquire', 'fill', 'release', 'drop', 'retag', 'scan'] as const)
      on(method).fail('every');
    const { cache, warnings } = cacheOn(at, { port: target });
    const { factory, open, started, runs } = gated('value');
    const calls = (['normal', 'normal', 'refresh'] as const).map((mode) =>
      cache.fetch('k', factory, { ...fresh, mode }),
    );
    await started;
    open();
    for (const call of calls) expect(await call).toMatchObject({ value: 'value', status: 'MISS' });
    expect(runs()).toBeLessThanOrEqual(2);
    expect(warnings.length).toBeGreaterThan(0);
    const flight = gated('value');
    const many = Array.from({ length: 100 }, () => cache.fetch('other', flight.factory, fresh));
    await flight.started;
    flight.open();
    await Promise.all(many);
    expect(flight.runs()).toBe(1);

    const storeOnly = [
      () => cache.get('k'),
      () => cache.drop('k'),
      () => cache.invalidateTags('t'),
      () => cache.inspect('k'),
      () => cache.keys(),
      () => cache.fetch('k', factory, { ...fresh, mode: 'only-if-cached' }),
    ];
    for (const call of storeOnly) await expect(call()).rejects.toSatisfy(unavailable);
    heal();
    expect(await cache.fetch('k', async () => 'back', fresh)).toMatchObject({ value: 'back', status: 'MISS' });
    expect(await cache.get('k')).toMatchObject({ value: 'back' });
  });

  for (const method of ['read', 'acquire', 'fill'] as const) {
    for (const fault of ['fail', 'dropReply'] as const) {
      test(`core: answers the factory's value when ${method} ${fault === 'fail' ? 'fails' : 'loses its reply'}`, async (at) => {
        const { target, on } = chaos(at.backend.cache);
        on(method)[fault]();
        const { cache, warnings } = cacheOn(at, { port: target, leaseMs: 50 });
        const { factory, runs } = counting();
        expect(await cache.fetch('k', factory, fresh)).toMatchObject({ value: 1, status: 'MISS' });
        expect(runs()).toBe(1);
        expect(warnings).toHaveLength(1);
      });
    }
  }

  test("core: the factory's error surfaces even when the lease cannot be released", async (at) => {
    const { target, on } = chaos(at.backend.cache);
    on('release').fail();
    const { cache } = cacheOn(at, { port: target });
    const upstream = new Error('upstream is down');
    await expect(cache.fetch('k', () => Promise.reject(upstream), fresh)).rejects.toBe(upstream);
  });

  test('core: what somebody else wrote under the key counts as absent and is replaced', async (at) => {
    for (const [index, text] of ['no json', '[]', '{"value":1}', 'null'].entries()) {
      const key = `k${index}`;
      await at.backend.cache.acquire(key, { seen: null, lease: 'l', leaseMs: 1_000, force: false, tags: [] });
      await at.backend.cache.fill(key, 'l', text, 60_000);
      const { cache } = cacheOn(at);
      expect(await cache.get(key)).toBeUndefined();
      expect(await cache.fetch(key, async () => 'mine', fresh)).toMatchObject({ value: 'mine', status: 'MISS' });
      expect(await cache.get(key)).toMatchObject({ value: 'mine' });
    }
  });
}
