import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSealed, encodeSealed, JobCipher } from '../src/job-cipher.ts';

const one = { id: 'k1', key: randomBytes(32) };
const two = { id: 'k2', key: randomBytes(32) };
const place = 'data:mail:1';

describe('the cipher of payloads', () => {
  it('opens what it sealed, whatever the text', () => {
    const cipher = new JobCipher([one]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, where) => {
        expect(cipher.open(cipher.seal(text, where), where)).toBe(text);
      }),
    );
  });

  it('seals one text in a new way each time', () => {
    const cipher = new JobCipher([one]);
    const boxes = Array.from({ length: 100 }, () => cipher.seal('the same', place).box);
    expect(new Set(boxes).size).toBe(100);
  });

  it('opens nothing in another place, nor what was changed', () => {
    const cipher = new JobCipher([one]);
    const sealed = cipher.seal('secret', place);
    expect(cipher.open(sealed, 'data:mail:2')).toBeUndefined();
    const bytes = Buffer.from(sealed.box, 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      expect(cipher.open({ ...sealed, box: changed.toString('base64') }, place)).toBeUndefined();
    }
    for (let length = 0; length < bytes.length; length += 1) {
      expect(cipher.open({ ...sealed, box: bytes.subarray(0, length).toString('base64') }, place)).toBeUndefined();
    }
  });

  it('seals with the first key and opens with all', () => {
    const before = new JobCipher([one]).seal('old', place);
    const both = new JobCipher([two, one]);
    expect(both.seal('new', place).key).toBe('k2');
    expect(both.open(before, place)).toBe('old');
    expect(new JobCipher([two]).open(before, place)).toBeUndefined();
    expect(new JobCipher([{ ...two, id: 'k1' }]).open(before, place)).toBeUndefined();
  });

  it.each([
    ['none', []],
    ['a short one', [{ id: 'k1', key: randomBytes(31) }]],
    ['one that is text', [{ id: 'k1', key: 'x'.repeat(32) as unknown as Uint8Array }]],
    ['a nameless one', [{ ...one, id: '' }]],
    ['a name of other characters', [{ ...one, id: 'k"1' }]],
    ['two of one name', [one, { ...two, id: 'k1' }]],
  ])('refuses keys: %s', (_, keys) => {
    expect(() => new JobCipher(keys)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  it('shows no key', () => {
    const shown = inspect(new JobCipher([one]), { depth: 9, showHidden: true });
    expect(shown).not.toContain(inspect(one.key).slice(8, 40));
  });
});

describe('a sealed text', () => {
  it('is JSON, and never what a value is written as', () => {
    const sealed = { key: 'k1', box: 'aGk=' };
    expect(JSON.parse(encodeSealed(sealed))).toEqual({ sealed });
    expect(decodeSealed(encodeSealed(sealed))).toEqual(sealed);
    expect(decodeSealed(JSON.stringify({ sealed }))).toBeUndefined();
    expect(decodeSealed(' {"sealed":{"key":1}}')).toBeUndefined();
    expect(decodeSealed(' {"sealed":')).toBeUndefined();
  });
});
