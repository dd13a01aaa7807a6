import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from '../src/cursor.ts';
import { PortolanError } from '../src/errors.ts';

it('comes back as it was and is safe in a URL', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (content) => {
      const cursor = encodeCursor([content]);
      expect(encodeURIComponent(cursor)).toBe(cursor);
      expect(decodeCursor(cursor, (found) => found)).toEqual(JSON.parse(JSON.stringify([content])));
    }),
  );
});

it('refuses as INVALID what is not JSON, what the reader refuses and what it trips over', () => {
  const refusals: (() => unknown)[] = [
    () => decodeCursor('', (found) => found),
    () => decodeCursor('garbage!', (found) => found),
    () => decodeCursor(encodeCursor(1), () => undefined),
    () => decodeCursor(encodeCursor(null), (found) => (found as { at: number }).at),
  ];
  for (const refusal of refusals) {
    expect(refusal).toThrow(PortolanError);
    expect(refusal).toThrow(/^cursor: /);
  }
});
