import { describe, expect, it } from 'vitest';
import { firstRefusal } from '../src/document-refusal.ts';
import type { DocumentWrite, Expectation } from '../src/ports/document.ts';

/** `held` maps a unique key to the id that holds it; every holder is stored with revision 5. */
const refusal = (writes: readonly DocumentWrite[], held: Record<string, string> = {}) =>
  firstRefusal(
    {
      revision: (id) => (Object.values(held).includes(id) ? 5 : undefined),
      holder: ({ key }) => held[key],
    },
    writes,
  );
const put = (id: string, expectation: Expectation = 'any', ...keys: string[]): DocumentWrite => {
  const entries = keys.map((key) => ({ index: 'i', key, unique: true }));
  return { op: 'put', id, expect: expectation, body: '', entries, expiresAt: null };
};
const remove = (id: string, expectation: Expectation = 'any'): DocumentWrite => ({
  op: 'delete',
  id,
  expect: expectation,
});

describe('a commit', () => {
  it('is refused for the first expectation that fails, with the stored revision', () => {
    const held = { x: 'a' };
    for (const write of [put, remove]) {
      expect(refusal([write('a', 'absent')], held)).toEqual({ ok: false, failed: 0, reason: 'exists', revision: 5 });
      expect(refusal([write('a', 4)], held)).toEqual({ ok: false, failed: 0, reason: 'revision', revision: 5 });
      for (const wanted of ['present', 5] as const)
        expect(refusal([write('b', wanted)], held)).toEqual({ ok: false, failed: 0, reason: 'missing' });
      for (const wanted of ['any', 'present', 5] as const) expect(refusal([write('a', wanted)], held)).toBeUndefined();
      for (const wanted of ['any', 'absent'] as const) expect(refusal([write('b', wanted)], held)).toBeUndefined();
    }
    expect(refusal([put('b'), put('a', 4), put('c', 'present')], held)).toMatchObject({
      failed: 1,
      reason: 'revision',
    });
  });

  it('is refused for a unique key of a document outside of it, or of an earlier write', () => {
    const held = { x: 'a', y: 'b' };
    const taken = { ok: false, failed: 0, reason: 'unique', index: 'i', holder: 'a' };
    expect(refusal([put('c', 'any', 'x')], held)).toEqual(taken);
    expect(refusal([put('a', 'any', 'x')], held)).toBeUndefined();
    expect(refusal([put('c', 'any', 'x'), remove('a')], held)).toBeUndefined();
    expect(refusal([put('a', 'any', 'y'), put('b', 'any', 'x')], held)).toBeUndefined();
    expect(refusal([put('c', 'any', 'x'), put('a', 'any', 'x')], held)).toEqual({ ...taken, failed: 1, holder: 'c' });
  });
});
