import { type KeyInfo, type KeyValuePort, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import type { AddCase } from './suite.ts';

async function fill(port: KeyValuePort, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key) => port.commit([], [{ op: 'set', key, value: key, expiresAt: null }])));
}

/** Every item of every page; checks the limit and that no page names a key twice. */
export async function scanAll(
  port: KeyValuePort,
  match: string,
  limit: number,
  between: (page: readonly KeyInfo[]) => Promise<unknown> = async () => undefined,
): Promise<KeyInfo[]> {
  const all: KeyInfo[] = [];
  let cursor: string | null = null;
  do {
    const page = await port.scan({ match, cursor, limit });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    expect(new Set(page.items.map((item) => item.key)).size).toBe(page.items.length);
    all.push(...page.items);
    await between(page.items);
    ({ cursor } = page);
  } while (cursor !== null);
  return all;
}

const names = (items: readonly KeyInfo[]): string[] => [...new Set(items.map((item) => item.key))].sort();
const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

export function keyValueScanCases(test: AddCase): void {
  test('says kind, expiry and size of each key', async ({ kit, backend: { keyValue: port } }) => {
    const at = kit.runtime.clock.now() + 60_000;
    await port.commit([], [{ op: 'set', key: 'text', value: 'é', expiresAt: null }]);
    await port.commit([], [{ op: 'set', key: 'bytes', value: Uint8Array.of(0, 255, 1), expiresAt: at }]);
    await port.commit([], [{ op: 'set', key: 'empty', value: '', expiresAt: null }]);
    await port.commit([], [{ op: 'setFields', key: 'map', fields: { a: '1', b: '2' }, expiresAt: at + 1 }]);
    const items = await scanAll(port, '*', 10);
    expect(items.sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
      { key: 'bytes', type: 'value', expiresAt: at, size: 3 },
      { key: 'empty', type: 'value', expiresAt: null, size: 0 },
      { key: 'map', type: 'fields', expiresAt: at + 1, size: 2 },
      { key: 'text', type: 'value', expiresAt: null, size: 2 },
    ]);
  });

  test('answers every key in pages of any size', async ({ backend: { keyValue: port } }) => {
    const keys = numbered('key:', 257);
    await fill(port, keys);
    for (const limit of [1, 7, 100, 256, 257, 1_000]) {
      expect(names(await scanAll(port, '*', limit)).length).toBe(257);
    }
    expect(names(await scanAll(port, '*', 50))).toEqual(keys.sort());
    expect(await scanAll(port, 'nothing*', 5)).toEqual([]);
  });

  test('globs match as text: nothing but * ? and backslash is special', async ({ backend: { keyValue: port } }) => {
    const keys = [
      'a',
      'ab',
      'abc',
      'a*c',
      'a?c',
      'a\\c',
      '[a]',
      'a]c',
      'é',
      '😀',
      'A',
      'a-c',
      '^a',
      '{a}',
      'aéc',
      'a😀c',
    ];
    await fill(port, keys);
    const expected: Record<string, string[]> = {
      a: ['a'],
      none: [],
      'a?': ['ab'],
      'a?c': ['a*c', 'a-c', 'a?c', 'a\\c', 'a]c', 'abc', 'aéc', 'a😀c'],
      'a\\*c': ['a*c'],
      'a\\?c': ['a?c'],
      'a\\\\c': ['a\\c'],
      '[a]': ['[a]'],
      '[a-z]': [],
      '[*': ['[a]'],
      '*]': ['[a]'],
      'a]?': ['a]c'],
      '^*': ['^a'],
      '{*}': ['{a}'],
      '?': ['A', 'a', 'é', '😀'],
      '*é*': ['aéc', 'é'],
      'a*c*': ['a*c', 'a-c', 'a?c', 'a\\c', 'a]c', 'abc', 'aéc', 'a😀c'],
      '*a*a*a*a*a*a*a*a*': [],
    };
    for (const [match, found] of Object.entries(expected)) {
      expect([match, names(await scanAll(port, match, 3))]).toEqual([match, found.sort()]);
    }
  });

  test('a key that is there all the time is found while others come and go', async ({
    backend: { keyValue: port },
  }) => {
    const stay = numbered('stay:', 300);
    const go = numbered('go:', 900);
    await fill(port, [...stay, ...go]);
    let round = 0;
    const found = await scanAll(port, '*', 20, async () => {
      const doomed = go.splice(0, 40);
      await Promise.all(doomed.map((key) => port.commit([], [{ op: 'delete', key }])));
      if (round++ < 20) await fill(port, numbered(`come:${round}:`, 20));
    });
    const seen = new Set(names(found));
    expect(stay.filter((key) => !seen.has(key))).toEqual([]);
  });

  test('leaves out keys that were deleted before their page', async ({ backend: { keyValue: port } }) => {
    const keys = numbered('k', 40);
    await fill(port, keys);
    const first = await port.scan({ match: 'k*', cursor: null, limit: 3 });
    await Promise.all(keys.map((key) => port.commit([], [{ op: 'delete', key }])));
    let { cursor } = first;
    while (cursor !== null) {
      const page = await port.scan({ match: 'k*', cursor, limit: 3 });
      expect(page.items).toEqual([]);
      ({ cursor } = page);
    }
  });

  test('finds few keys among many', async ({ backend: { keyValue: port } }) => {
    await fill(port, [...numbered('many:', 3_000), 'few:1', 'few:2']);
    expect(names(await scanAll(port, 'few:*', 100))).toEqual(['few:1', 'few:2']);
    expect(names(await scanAll(port, '*:2999', 100))).toEqual(['many:2999']);
  });

  test('refuses a cursor that no scan answered', async ({ backend: { keyValue: port } }) => {
    const forged = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');
    const bad = [
      '',
      'x',
      'not a cursor',
      '0',
      forged({}),
      forged(null),
      forged([]),
      forged([-1]),
      forged(['x', 1]),
      forged(7),
    ];
    for (const cursor of bad) {
      await expect(port.scan({ match: '*', cursor, limit: 5 }), JSON.stringify(cursor)).rejects.toSatisfy((error) =>
        PortolanError.is(error, 'INVALID'),
      );
    }
  });
}
