import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PortolanError } from '../src/errors.ts';
import { checkKey, checkName, checkSameSlot } from '../src/names.ts';

const isInvalid = (error: unknown) => PortolanError.is(error, 'INVALID');
const refused = (check: () => unknown): boolean => {
  try {
    check();
    return false;
  } catch (error) {
    return isInvalid(error);
  }
};

describe('keys', () => {
  it('are 1 to 512 bytes of well-formed text, answered unchanged', () => {
    for (const key of ['a', 'x'.repeat(512), 'é'.repeat(256), '😀'.repeat(128), ' a ', '/A/../b?c#d', '__proto__']) {
      expect(checkKey(key)).toBe(key);
    }
    for (const key of ['', 'x'.repeat(513), 'é'.repeat(257), '😀'.repeat(129), '\ud83d', 'a\u0000', 'a\nb', '\u007f']) {
      expect(refused(() => checkKey(key))).toBe(true);
    }
  });

  it('the error names what was wrong and not a whole long key', () => {
    expect(() => checkKey('', 'field')).toThrow('field: must not be empty');
    expect(() => checkKey('x'.repeat(600))).toThrow(/^key: longer than 512 bytes$/);
  });

  it('any text is either a key of at most 512 bytes or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 100, maxLength: 300 }), (key) => {
        if (!refused(() => checkKey(key))) expect(Buffer.byteLength(key)).toBeLessThanOrEqual(512);
      }),
    );
  });
});

describe('names', () => {
  it.each(['a', 'Jobs', '0', 'pages.fetch', 'a-b_c.d', 'x'.repeat(128)])('%s is a name', (name) => {
    expect(checkName(name, 'queue')).toBe(name);
  });
  it.each(['', '.a', '-a', '_a', 'a b', 'a:b', 'a{b', 'é', 'a\n', 'x'.repeat(129)])('%j is none', (name) => {
    expect(refused(() => checkName(name, 'queue'))).toBe(true);
    expect(() => checkName(name, 'queue')).toThrow(/^queue /);
  });
});

describe('keys of one commit', () => {
  it.each([
    [['a']],
    [[]],
    [['a', 'a']],
    [['{t}a', 'b{t}', '{t}']],
    [['{t}a{u}', '{t}b{w}']],
    [['{{t}', 'x{{t}']],
    [['{t', '{t']],
  ])('%j share a slot', (keys) => {
    checkSameSlot(keys);
  });
  it.each([
    [['a', 'b']],
    [['{t}a', '{u}a']],
    [['{t}a', 't']],
    [['{}a', '{}b']],
    [['{}a{t}', '{}b{t}']],
    [['{t', '{t}']],
    [['}t{', '}t{u']],
  ])('%j do not', (keys) => {
    expect(refused(() => checkSameSlot(keys))).toBe(true);
  });
});
