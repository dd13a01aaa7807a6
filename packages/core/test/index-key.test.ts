import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterPrefix,
  decodeText,
  encodeIndexKey,
  encodeText,
  type IndexValue,
  indexMember,
  membersOf,
} from '../src/index-key.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', 'b', ' ', '!', '"', '}', '~', '\u007f', '\u0000', 'é', '\ufffd', '🏫') }),
);
const number = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.constantFrom(0, -0, 1, -1, 0.5));
const value: fc.Arbitrary<IndexValue> = fc.oneof(fc.constant(null), fc.boolean(), number, text);

const rank = (one: IndexValue): number => {
  if (one === null) return 0;
  if (typeof one === 'boolean') return one ? 2 : 1;
  return typeof one === 'number' ? 3 : 4;
};
/** The order the encoding must have, written down independently of it. */
function compareValues(a: IndexValue, b: IndexValue): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === 'string' && typeof b === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : 0;
}
function compareLists(a: readonly IndexValue[], b: readonly IndexValue[]): number {
  for (const [at, one] of a.entries()) {
    if (at >= b.length) return 1;
    const order = compareValues(one, b[at] as IndexValue);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const key = (one: IndexValue | readonly IndexValue[]): string => encodeIndexKey(one, 'test');
const list = fc.array(value, { minLength: 1, maxLength: 3 });

describe('index keys', () => {
  it('sort as their values do, part by part', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        expect(Math.sign(compare(key(a), key(b)))).toBe(Math.sign(compareLists(a, b)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('sort as their values do when these are near each other', () => {
    const near = fc.tuple(text, fc.string({ unit: fc.constantFrom('!', ' ', '~', 'a'), maxLength: 2 }));
    fc.assert(
      fc.property(near, ([a, more]) => compare(key(a), key(a + more)) === Math.sign(-more.length) || more === ''),
    );
    const gap = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(fc.property(gap, (a) => compare(key(a), key(a + Math.abs(a) * Number.EPSILON)) <= 0));
  });

  it('are printable ASCII, and text keeps its prefixes', () => {
    fc.assert(fc.property(list, (parts) => /^[ -~]+$/.test(key(parts))));
    fc.assert(fc.property(text, text, (a, b) => encodeText(a + b).startsWith(encodeText(a))));
    expect(key(['London', 42, true, null])).toBe('sLondon nc045000000000000 1 -');
    expect(encodeText('São Paulo!')).toBe('S~c3~a3o!20Paulo!21');
  });

  it('give their text back', () => {
    fc.assert(fc.property(text, (one) => decodeText(encodeText(one)) === one));
  });

  it('bound the members that have exactly them', () => {
    fc.assert(
      fc.property(list, list, text, (a, b, id) => {
        const [from, to] = membersOf(key(a));
        const within = (one: string) => one >= from && one < to;
        expect(within(indexMember(key(a), id))).toBe(true);
        expect(within(indexMember(key([...a, ...b]), id))).toBe(false);
        expect(within(indexMember(key(b), id))).toBe(key(a) === key(b));
      }),
    );
  });

  it('bound the keys that begin with them', () => {
    fc.assert(
      fc.property(list, list, fc.array(value, { maxLength: 2 }), (prefix, other, more) => {
        const within = (one: string) => one >= key(prefix) && one < afterPrefix(key(prefix));
        expect(within(key([...prefix, ...more]))).toBe(true);
        const begins = compareLists(other.slice(0, prefix.length), prefix) === 0;
        expect(within(key(other))).toBe(begins);
      }),
    );
  });

  it('with an id sort by key, then id, and compare to bounds as the key alone', () => {
    fc.assert(
      fc.property(list, text, list, text, (a, idA, b, idB) => {
        const byKey = compareLists(a, b);
        const order = compare(indexMember(key(a), idA), indexMember(key(b), idB));
        expect(Math.sign(order)).toBe(Math.sign(byKey || compareValues(idA, idB)));
        expect(indexMember(key(a), idA) < key(b)).toBe(byKey < 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('take -0 for 0 and refuse what has no order', () => {
    expect(key(-0)).toBe(key(0));
    for (const bad of [Number.NaN, [], undefined, {}, 1n, '\ud800', ['a', undefined], 'x'.repeat(4_096)])
      expect(() => key(bad as IndexValue), String(bad)).toThrow(/^test: /);
  });
});
