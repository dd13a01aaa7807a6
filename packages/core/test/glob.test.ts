import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globEnds, globMatcher, globPrefix, prefixGlob } from '../src/glob.ts';

/** The same language by another way: a regular expression, which is right and slow. */
function slowMatcher(glob: string): RegExp {
  const source = glob.replace(/\\([\s\S]?)|[\s\S]/gu, (part, escaped: string | undefined) => {
    if (part === '*') return '[\\s\\S]*';
    if (part === '?') return '[\\s\\S]';
    const text = part.startsWith('\\') ? escaped || '\\' : part;
    return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 'u');
}

const alphabet = fc.constantFrom('a', 'b', '*', '?', '\\', '[', ']', '-', '^', 'é', '😀', '\n', '.');
const text = fc.array(alphabet, { maxLength: 10 }).map((parts) => parts.join(''));

describe('glob', () => {
  it('matches as the equivalent regular expression does', () => {
    fc.assert(
      fc.property(text, text, (glob, key) => {
        expect(globMatcher(glob)(key)).toBe(slowMatcher(glob).test(key));
      }),
      { numRuns: 5_000 },
    );
  });

  it('matches the key it was made from, whatever wildcards take', () => {
    const piece = fc.tuple(fc.constantFrom('*', '?', 'literal'), text);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
        const literal = (part: string) => part.replace(/[*?\\]/g, '\\$&');
        const glob = pieces.map(([kind, part]) => (kind === 'literal' ? literal(part) : kind)).join('');
        const key = pieces.map(([kind, part]) => (kind === '?' ? '😀' : part)).join('');
        expect(globMatcher(glob)(key)).toBe(true);
        const { prefix, suffix, exact } = globEnds(glob);
        expect(key.startsWith(prefix) && key.endsWith(suffix) && key.length >= prefix.length + suffix.length).toBe(
          true,
        );
        if (exact) expect(key).toBe(prefix);
        expect(globPrefix(glob)).toBe(prefix);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['user:*:name', { prefix: 'user:', suffix: ':name', exact: false }],
    ['a\\*b', { prefix: 'a*b', suffix: '', exact: true }],
    ['', { prefix: '', suffix: '', exact: true }],
    ['*', { prefix: '', suffix: '', exact: false }],
    ['a?', { prefix: 'a', suffix: '', exact: false }],
    ['*\\', { prefix: '', suffix: '\\', exact: false }],
  ])('ends of %s', (glob, ends) => {
    expect(globEnds(glob)).toEqual(ends);
  });

  it('a prefix glob matches exactly the keys with that prefix', () => {
    fc.assert(
      fc.property(text, text, (prefix, key) => {
        expect(globMatcher(prefixGlob(prefix))(prefix + key)).toBe(true);
        expect(globMatcher(prefixGlob(prefix))(key)).toBe(key.startsWith(prefix));
      }),
    );
  });

  it('takes no exponential time', () => {
    const matches = globMatcher(`${'*a'.repeat(200)}*b`);
    expect(matches('a'.repeat(512))).toBe(false);
    expect(matches(`${'a'.repeat(510)}b`)).toBe(true);
  });
});
