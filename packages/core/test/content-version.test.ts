import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { contentVersion } from '../src/content-version.ts';

it('is the SHA-1 of the UTF-8 bytes, of text and of bytes alike', () => {
  expect(contentVersion('')).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709');
  expect(contentVersion('abc')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const bytes = Buffer.from(text);
      expect(contentVersion(text)).toBe(createHash('sha1').update(bytes).digest('hex'));
      expect(contentVersion(new Uint8Array(bytes))).toBe(contentVersion(text));
    }),
  );
});

it('of a view is of what it shows', () => {
  expect(contentVersion(Buffer.from('xabcx').subarray(1, 4))).toBe(contentVersion('abc'));
});
