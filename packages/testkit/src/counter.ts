import { type Counter, type CounterAdd, createCounter, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { type AddCase, type Case, suite } from './suite.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const MIN = Number.MIN_SAFE_INTEGER;

const add = (key: string, by: number, rest: Partial<CounterAdd> = {}): CounterAdd => ({
  key,
  by,
  ttlMode: 'create',
  min: MIN,
  max: MAX,
  onBound: 'reject',
  ...rest,
});

function portCases(test: AddCase): void {
  test('adds to an absent counter from 0 and answers in order', async ({ backend: { counter } }) => {
    const answers = await counter.add([add('a', 5), add('b', -2), add('a', 1), add('c', 0)]);
    expect(answers).toEqual([
      { value: 5, applied: 5 },
      { value: -2, applied: -2 },
      { value: 6, applied: 1 },
      { value: 0, applied: 0 },
    ]);
    expect(await counter.read(['b', 'none', 'a', 'c'])).toEqual([
      { value: -2, ttlMs: null },
      null,
      { value: 6, ttlMs: null },
      { value: 0, ttlMs: null },
    ]);
  });

  test('rejects an add out of bounds and leaves everything as it was', async ({ backend: { counter } }) => {
    await counter.add([add('a', 8)]);
    expect(await counter.add([add('a', 3, { max: 10, ttlMs: 60_000 })])).toEqual([{ value: 8, applied: 0 }]);
    expect(await counter.add([add('a', -9, { min: 0 })])).toEqual([{ value: 8, applied: 0 }]);
    expect(await counter.add([add('new', 11, { max: 10, ttlMs: 60_000 })])).toEqual([{ value: 0, applied: 0 }]);
    expect(await counter.read(['a', 'new'])).toEqual([{ value: 8, ttlMs: null }, null]);
  });

  test('stops at the bound when it saturates', async ({ backend: { counter } }) => {
    const bounds = { min: -3, max: 10, onBound: 'saturate' } as const;
    expect(await counter.add([add('a', 8, bounds), add('a', 8, bounds), add('a', 8, bounds)])).toEqual([
      { value: 8, applied: 8 },
      { value: 10, applied: 2 },
      { value: 10, applied: 0 },
    ]);
    expect(await counter.add([add('a', -100, bounds)])).toEqual([{ value: -3, applied: -13 }]);
  });

  test('lets a counter outside its bounds move back, not further out', async ({ backend: { counter } }) => {
    await counter.write('a', 20);
    const bounds = { min: 0, max: 10 };
    expect(await counter.add([add('a', -1, bounds)])).toEqual([{ value: 19, applied: -1 }]);
    expect(await counter.add([add('a', 1, bounds)])).toEqual([{ value: 19, applied: 0 }]);
    expect(await counter.add([add('a', 1, { ...bounds, onBound: 'saturate' })])).toEqual([{ value: 19, applied: 0 }]);
  });

  test('never answers a rounded number at the ends of the safe integers', async ({ backend: { counter } }) => {
    await counter.write('top', MAX - 1);
    expect(await counter.add([add('top', 1)])).toEqual([{ value: MAX, applied: 1 }]);
    for (const by of [1, 2, 3, MAX]) expect(await counter.add([add('top', by)])).toEqual([{ value: MAX, applied: 0 }]);
    expect(await counter.add([add('top', MIN), add('top', MIN)])).toEqual([
      { value: 0, applied: MIN },
      { value: MIN, applied: MIN },
    ]);
    const down = add('top', -1, { onBound: 'saturate' });
    expect(await counter.add([down])).toEqual([{ value: MIN, applied: 0 }]);
    expect(await counter.read(['top'])).toEqual([{ value: MIN, ttlMs: null }]);
  });

  test('sets the TTL in the same step: once with create, every time with refresh', async ({ kit, backend }) => {
    const { counter } = backend;
    await counter.add([add('plain', 1), add('once', 1, { ttlMs: 150 })]);
    await counter.add([add('plain', 1, { ttlMs: 60_000 }), add('once', 1, { ttlMs: 60_000 }), add('once', 1)]);
    const refresh = { ttlMs: 60_000, ttlMode: 'refresh' } as const;
    await counter.add([add('renewed', 1, { ttlMs: 150 }), add('renewed', 1, refresh), add('renewed', 0, refresh)]);
    const [plain, once, renewed] = await counter.read(['plain', 'once', 'renewed']);
    expect(plain).toEqual({ value: 2, ttlMs: null });
    expect(once).toMatchObject({ value: 3 });
    expect(once?.ttlMs).toBeLessThanOrEqual(150);
    expect(once?.ttlMs).toBeGreaterThan(0);
    expect(renewed?.ttlMs).toBeGreaterThan(50_000);
    await kit.pass(160);
    expect(await counter.read(['once'])).toEqual([null]);
    expect(await counter.add([add('once', 1)])).toEqual([{ value: 1, applied: 1 }]);
    expect(await counter.read(['once'])).toEqual([{ value: 1, ttlMs: null }]);
  });

  test('writes and removes, telling what was there', async ({ kit, backend: { counter } }) => {
    expect(await counter.write('a', MIN, 60_000)).toBe(false);
    expect((await counter.read(['a']))[0]?.ttlMs).toBeGreaterThan(50_000);
    expect(await counter.write('a', 7)).toBe(true);
    expect(await counter.read(['a'])).toEqual([{ value: 7, ttlMs: null }]);
    expect(await counter.write('a', null)).toBe(true);
    expect(await counter.write('a', null)).toBe(false);
    await counter.write('short', 1, 50);
    await kit.pass(60);
    expect(await counter.write('short', 2)).toBe(false);
  });
}

function coreCases(test: AddCase, open: (at: Case) => Counter): void {
  test('core: increments, sets, reads and resets by name', async (at) => {
    const counter = open(at);
    expect(await counter.increment('api.calls')).toEqual({ value: 1, applied: 1 });
    expect(await counter.incrementMany([{ name: 'api.calls', by: 2 }, { name: 'other' }])).toEqual([
      { value: 3, applied: 2 },
      { value: 1, applied: 1 },
    ]);
    expect(await counter.incrementMany([])).toEqual([]);
    await counter.set('api.calls', -0, { ttlMs: 60_000 });
    expect(Object.is((await counter.get('api.calls'))?.value, 0)).toBe(true);
    expect(await counter.getMany(['none', 'other'])).toEqual([undefined, { value: 1, ttlMs: null }]);
    expect(await counter.getMany([])).toEqual([]);
    expect(await counter.reset('api.calls')).toBe(true);
    expect(await counter.get('api.calls')).toBeUndefined();
  });

  test('core: refuses what is no safe integer, and bad names', async (at) => {
    const counter = open(at);
    const bad = [
      () => counter.increment('a', { by: 0.5 }),
      () => counter.increment('a', { by: 2 ** 53 }),
      () => counter.increment('a', { by: Number.NaN }),
      () => counter.increment('a', { max: Number.POSITIVE_INFINITY }),
      () => counter.increment('a', { min: 2, max: 1 }),
      () => counter.increment('a', { ttlMs: 0 }),
      () => counter.increment(''),
      () => counter.set('a', 1e300),
      () => counter.set('a', 1, { ttlMs: 1.5 }),
      () => counter.get('a\nb'),
      () => counter.reset('x'.repeat(513)),
    ];
    for (const call of bad) await expect(call()).rejects.toSatisfy((error) => PortolanError.is(error, 'INVALID'));
    expect(await counter.get('a')).toBeUndefined();
  });

  test('two processes with 500 concurrent increments each lose none and see every value once', async (at) => {
    const counters = [open(at), open({ ...at, backend: await at.kit.open() })];
    const answers = await Promise.all(
      counters.flatMap((counter) => Array.from({ length: 500 }, () => counter.increment('n', { ttlMs: 60_000 }))),
    );
    expect(answers.map((one) => one.value).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
  });

  test('two processes racing for 100 places fill exactly 100', async (at) => {
    const counters = [open(at), open({ ...at, backend: await at.kit.open() })];
    const answers = await Promise.all(
      counters.flatMap((counter) => Array.from({ length: 150 }, () => counter.increment('seats', { max: 100 }))),
    );
    expect(answers.filter((one) => one.applied === 1)).toHaveLength(100);
    expect((await counters[0]?.get('seats'))?.value).toBe(100);
  });
}

export function counterSuite(harness: Harness): void {
  suite(harness, 'counter', (test) => {
    portCases(test);
    coreCases(test, ({ kit, backend }) => createCounter({ port: backend.counter, runtime: kit.runtime }));
  });
}
