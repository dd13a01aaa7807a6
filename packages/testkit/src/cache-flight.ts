import { expect } from 'vitest';
import { cacheOn, counting, failing, gated, passing } from './cache-kit.ts';
import type { AddCase, Case } from './suite.ts';

const HOUR = 3_600_000;
const fresh = { freshMs: HOUR };

async function second(at: Case): Promise<Case> {
  return { ...at, backend: await at.kit.open() };
}

/** Core on the port: one factory at a time, and none that is overtaken leaves its value behind. */
export function flightCases(test: AddCase): void {
  test('core: 1,000 callers in two processes cause one factory run', async (at) => {
    const caches = [cacheOn(at).cache, cacheOn(await second(at)).cache];
    const { factory, open, started, runs } = gated({ found: true });
    const calls = caches.flatMap((cache) => Array.from({ length: 500 }, () => cache.fetch('k', factory, fresh)));
    await started;
    await at.kit.pass(60);
    open();
    const answers = await passing(at.kit, Promise.all(calls));
    expect(runs()).toBe(1);
    for (const answer of answers) expect(answer.value).toEqual({ found: true });
    expect(answers.filter((one) => one.status === 'MISS')).toHaveLength(500);
    expect(answers.filter((one) => one.status === 'HIT')).toHaveLength(500);
  });

  test('core: a failing factory fails those who wait for it, and the next call tries again', async (at) => {
    const { cache } = cacheOn(at);
    let runs = 0;
    const factory = async () => {
      runs += 1;
      throw new Error(`run ${runs}`);
    };
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => cache.fetch('k', factory, fresh)));
    for (const answer of answers) expect(answer).toMatchObject({ status: 'rejected', reason: { message: 'run 1' } });
    await expect(cache.fetch('k', factory, fresh)).rejects.toThrow('run 2');
    expect(await cache.getOrSet('k', async () => 'up again', fresh)).toBe('up again');
  });

  test('core: when the filling process fails, a waiting one runs its own factory', async (at) => {
    const [one, two] = [cacheOn(at).cache, cacheOn(await second(at)).cache];
    const gate = gated('never');
    const first = one.fetch('k', () => gate.factory().then(failing), fresh);
    await gate.started;
    const waiting = two.fetch('k', async () => 'mine', fresh);
    gate.open();
    await expect(first).rejects.toThrow('upstream is down');
    expect(await passing(at.kit, waiting)).toMatchObject({ value: 'mine', status: 'MISS' });
  });

  test('core: takes over from a process that vanished with the lease, after leaseMs', async (at) => {
    await at.backend.cache.acquire('k', { seen: null, lease: 'gone', leaseMs: HOUR, force: false, tags: [] });
    const { cache } = cacheOn(at, { leaseMs: 100 });
    const { factory, runs } = counting();
    const calls = Promise.all(Array.from({ length: 10 }, () => cache.fetch('k', factory, fresh)));
    await at.kit.pass(20);
    expect(runs()).toBe(0);
    for (const answer of await passing(at.kit, calls)) expect(answer).toMatchObject({ value: 1, status: 'MISS' });
    expect(await at.backend.cache.fill('k', 'gone', '{"value":"late"}', HOUR)).toBe(false);
    expect(await cache.get('k')).toMatchObject({ value: 1 });
  });

  test('core: a factory slower than leaseMs still fills when nobody took over', async (at) => {
    const { cache } = cacheOn(at, { leaseMs: 50 });
    const { factory, open, started } = gated('slow');
    const call = cache.fetch('k', factory, fresh);
    await started;
    await at.kit.pass(70);
    open();
    await call;
    expect(await cache.get('k')).toMatchObject({ value: 'slow' });
  });

  test('core: who comes when the lease is older than leaseMs takes over at once', async (at) => {
    const died = gated('never filled');
    const left = cacheOn(at, { leaseMs: 50 }).cache.fetch('k', died.factory, fresh);
    await died.started;
    await at.kit.pass(70);
    const { cache } = cacheOn(await second(at), { leaseMs: 50 });
    // Under a manual clock no time passes here.
    expect(await cache.fetch('k', async () => 'taken over', fresh)).toMatchObject({
      value: 'taken over',
      status: 'MISS',
    });
    died.open();
    await left;
    expect(await cache.get('k')).toMatchObject({ value: 'taken over' });
  });

  test('core: concurrent refreshes of a process share one run, and fence a slower older filler', async (at) => {
    const [one, two] = [cacheOn(at).cache, cacheOn(await second(at)).cache];
    const old = gated('old');
    const slow = one.fetch('k', old.factory, fresh);
    await old.started;
    const refresh = gated('new');
    const refreshes = Array.from({ length: 20 }, () => two.fetch('k', refresh.factory, { ...fresh, mode: 'refresh' }));
    await refresh.started;
    refresh.open();
    for (const answer of await Promise.all(refreshes)) expect(answer).toMatchObject({ value: 'new', status: 'MISS' });
    expect(refresh.runs()).toBe(1);
    old.open();
    expect((await slow).value).toBe('old');
    expect(await one.get('k')).toMatchObject({ value: 'new' });
  });

  test('core: a refresh does not join a normal run of its process, but callers join the refresh', async (at) => {
    const { cache } = cacheOn(at);
    const [old, refresh] = [gated('old'), gated('new')];
    const slow = cache.fetch('k', old.factory, fresh);
    await old.started;
    const refreshed = cache.fetch('k', refresh.factory, { ...fresh, mode: 'refresh' });
    await refresh.started;
    const joined = cache.fetch('k', failing, fresh);
    old.open();
    expect((await slow).value).toBe('old');
    refresh.open();
    expect([(await refreshed).value, (await joined).value]).toEqual(['new', 'new']);
    expect(await cache.get('k')).toMatchObject({ value: 'new' });
  });

  for (const elsewhere of [false, true]) {
    const where = elsewhere ? 'another process' : 'this process';
    test(`core: a drop by ${where} during the factory refuses its fill`, async (at) => {
      const { cache } = cacheOn(at);
      const dropper = elsewhere ? cacheOn(await second(at)).cache : cache;
      const { factory, open, started } = gated('before the drop');
      const call = cache.fetch('k', factory, fresh);
      await started;
      await dropper.drop('k');
      const after = dropper.fetch('k', async () => 'after the drop', fresh);
      expect(await after).toMatchObject({ value: 'after the drop', status: 'MISS' });
      open();
      expect((await call).value).toBe('before the drop');
      expect(await cache.get('k')).toMatchObject({ value: 'after the drop' });
    });

    test(`core: a tag invalidated by ${where} during the factory invalidates what it fills`, async (at) => {
      const { cache } = cacheOn(at);
      const invalidator = elsewhere ? cacheOn(await second(at)).cache : cache;
      const { factory, open, started } = gated('before');
      const call = cache.fetch('k', factory, { ...fresh, tags: ['t', 'u'] });
      await started;
      await invalidator.invalidateTags('t');
      open();
      expect((await call).value).toBe('before');
      expect(await cache.get('k')).toBeUndefined();
      const tagged = { ...fresh, tags: ['t', 'u'] };
      expect(await cache.fetch('k', async () => 'after', tagged)).toMatchObject({ value: 'after', status: 'MISS' });
      expect(await cache.fetch('k', failing, tagged)).toMatchObject({ value: 'after', status: 'HIT' });
    });
  }

  test('core: a caller after an invalidation does not join the run from before it', async (at) => {
    const { cache } = cacheOn(at);
    const { factory, open, started } = gated('before');
    const tagged = { ...fresh, tags: ['t'] };
    const call = cache.fetch('k', factory, tagged);
    await started;
    await cache.invalidateTags('t');
    const later = cache.fetch('k', async () => 'after', tagged);
    open();
    expect((await call).value).toBe('before');
    expect(await passing(at.kit, later)).toMatchObject({ value: 'after', status: 'MISS' });
    expect(await cache.get('k')).toMatchObject({ value: 'after' });
  });
}
