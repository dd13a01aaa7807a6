import { describe, expect, it } from 'vitest';
import { ageOf, decodeEntry, encodeEntry, windowOf } from '../src/cache-entry.ts';

const entry = { filledAt: 100, freshUntil: 200, staleUntil: 300, expiresAt: 400, tags: { __proto__x: 'e', t: 'f' } };

describe('a cache entry', () => {
  it('is plain JSON with the value as it is', () => {
    const text = encodeEntry(entry, '{"a":[1]}');
    expect(text).toBe(
      '{"filledAt":100,"freshUntil":200,"staleUntil":300,"expiresAt":400,"tags":{"__proto__x":"e","t":"f"},"value":{"a":[1]}}',
    );
    expect(decodeEntry(text)).toEqual({ ...entry, value: { a: [1] } });
  });

  it('moves through its windows at exact times', () => {
    const decoded = { ...entry, value: 1 };
    const at = (now: number) => windowOf(decoded, now);
    expect([at(99), at(199)]).toEqual(['fresh', 'fresh']);
    expect([at(200), at(299)]).toEqual(['stale', 'stale']);
    expect([at(300), at(399)]).toEqual(['error', 'error']);
    expect([at(400), at(9_999)]).toEqual(['over', 'over']);
    expect([ageOf(decoded, 150), ageOf(decoded, 50)]).toEqual([50, 0]);
  });

  it('is not what somebody else wrote', () => {
    const good = JSON.parse(encodeEntry(entry, '1'));
    const bad: unknown[] = [
      null,
      [],
      1,
      {},
      { ...good, value: undefined },
      { ...good, tags: null },
      { ...good, tags: { t: 1 } },
      { ...good, expiresAt: '400' },
      { ...good, filledAt: null },
    ];
    for (const one of bad) expect(decodeEntry(JSON.stringify(one))).toBeUndefined();
    expect(decodeEntry('{')).toBeUndefined();
  });
});
