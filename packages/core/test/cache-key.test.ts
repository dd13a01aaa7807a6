import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheKey, checkKey, PortolanError } from '../src/index.ts';

describe('cacheKey', () => {
  it('is readable', () => {
    expect(cacheKey('universities', { page: 2, country: 'Spain' })).toBe('universities:(country="Spain",page=2)');
    expect(cacheKey('page', 'http://a/')).toBe('page:"http://a/"');
    expect(cacheKey('deep', [{ 'a b': null, x: undefined }, 1n, true])).toBe('deep:[("a b"=null),1n,true]');
  });

  it('does not depend on the order of keys or query parameters', () => {
    expect(cacheKey('a', { x: 1, y: { p: 1, q: 2 } })).toBe(cacheKey('a', { y: { q: 2, p: 1 }, x: 1 }));
    expect(cacheKey('a', new URLSearchParams('x=1&y=2'))).toBe(cacheKey('a', new URLSearchParams('y=2&x=1')));
    expect(cacheKey('a', new URLSearchParams('x=1&x=2'))).not.toBe(cacheKey('a', new URLSearchParams('x=2&x=1')));
  });

  it('tells values of different types apart', () => {
    const values: unknown[] = [
      1, '1', 1n, '1n', true, 'true', null, 'null', undefined, 'undefined', [], {}, [1], ['1'], [[1]], { a: 1 }, '(a=1)',
      { a: { b: 1 } }, new Date(0), 'd0', Number.NaN, 'NaN', new URLSearchParams('a=1'), [undefined], '', { '': 1 },
    ]; // biome-ignore format: a list of one-word cases
    const keys = values.map((value) => cacheKey('a', value));
    expect(new Set(keys).size).toBe(values.length);
    expect(cacheKey('a', -0)).toBe(cacheKey('a', 0));
    expect(cacheKey('a', { x: undefined })).toBe(cacheKey('a', {}));
  });

  it('differs when the JSON does, is a legal key, and stays within 200 bytes', () => {
    const json = fc.jsonValue({ depthSize: 'medium' });
    const canonical = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(canonical);
      if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
      const entries = Object.entries(value).map(([key, one]) => [key, canonical(one)] as const);
      return entries.sort(([a], [b]) => (a < b ? -1 : 1));
    };
    // Tagged, so that a sorted list of entries is no array of arrays.
    const text = (value: unknown) =>
      JSON.stringify([Array.isArray(value), value !== null && typeof value, canonical(value)]);
    fc.assert(
      fc.property(json, json, (a, b) => {
        const [one, two] = [cacheKey('name', a), cacheKey('name', b)];
        expect(Buffer.byteLength(checkKey(one))).toBeLessThanOrEqual(200);
        if (text(a) !== text(b)) expect(one).not.toBe(two);
        expect(cacheKey('name', structuredClone(a))).toBe(one);
      }),
      { numRuns: 1_000 },
    );
  });

  it('hashes long arguments and refuses what has no canonical form', () => {
    const long = cacheKey('page', { url: 'x'.repeat(500) });
    expect(long).toMatch(/^page:#[0-9a-f]{32}$/);
    expect(long).not.toBe(cacheKey('page', { url: 'x'.repeat(501) }));
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const value of [() => 1, Symbol('s'), new Map(), cycle, { a: new Set() }]) {
      expect(() => cacheKey('a', value)).toThrow(PortolanError);
    }
    expect(() => cacheKey('a:b', 1)).toThrow(PortolanError);
  });
});
