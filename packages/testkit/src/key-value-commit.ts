import { contentVersion, type KeyCheck, type KeyOp, type KeyValuePort, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { scanAll } from './key-value-scan.ts';
import type { AddCase } from './suite.ts';

const set = (key: string, value: string): KeyOp => ({ op: 'set', key, value, expiresAt: null });
const text = async (port: KeyValuePort, ...keys: string[]) =>
  (await port.read(keys, { as: 'text' })).map((one) => one?.value ?? null);

export function keyValueCommitCases(test: AddCase): void {
  test('every check decides, whatever the op', async ({ backend }) => {
    const port = backend.keyValue;
    await port.commit([], [set('{t}v', 'old')]);
    await port.commit([], [{ op: 'setFields', key: '{t}f', fields: { a: '1' }, expiresAt: null }]);
    const version = { version: contentVersion('old') };
    const otherVersion = { version: contentVersion('other') };
    const cases: [KeyCheck, boolean][] = [
      [{ key: '{t}v', is: 'present' }, true],
      [{ key: '{t}v', is: 'absent' }, false],
      [{ key: '{t}v', is: version }, true],
      [{ key: '{t}v', is: otherVersion }, false],
      [{ key: '{t}f', is: 'present' }, true],
      [{ key: '{t}f', is: 'absent' }, false],
      [{ key: '{t}f', is: version }, false],
      [{ key: '{t}none', is: 'absent' }, true],
      [{ key: '{t}none', is: 'present' }, false],
      [{ key: '{t}none', is: version }, false],
    ];
    for (const [check, ok] of cases) {
      const answer = await port.commit([check], []);
      expect([check, answer]).toEqual([check, ok ? { ok: true, counts: [] } : { ok: false, failed: 0 }]);
      const key = `{t}${JSON.stringify(check)}`;
      const written = await port.commit([check], [set(key, '1')]);
      expect([check, written.ok, await text(port, key)]).toEqual([check, ok, [ok ? '1' : null]]);
    }
  });

  test('conditional writes of one key', async ({ backend }) => {
    const port = backend.keyValue;
    const absent: KeyCheck[] = [{ key: 'a', is: 'absent' }];
    const present: KeyCheck[] = [{ key: 'a', is: 'present' }];
    const refused = { ok: false, failed: 0 };
    expect(await port.commit(present, [set('a', '0')])).toEqual(refused);
    expect(await port.commit(absent, [set('a', '1')])).toEqual({ ok: true, counts: [1] });
    expect(await port.commit(absent, [set('a', '2')])).toEqual(refused);
    expect(await port.commit(present, [{ op: 'set', key: 'a', value: '3', expiresAt: 'keep' }])).toEqual({
      ok: true,
      counts: [1],
    });
    expect(await text(port, 'a')).toEqual(['3']);
    const versioned = (value: string): KeyCheck[] => [{ key: 'a', is: { version: contentVersion(value) } }];
    expect(await port.commit(versioned('1'), [{ op: 'delete', key: 'a' }])).toEqual(refused);
    expect(await port.commit(versioned('3'), [{ op: 'delete', key: 'a' }])).toEqual({ ok: true, counts: [1] });
    expect(await port.commit(present, [{ op: 'touch', key: 'a', expiresAt: null }])).toEqual(refused);
    expect(await text(port, 'a')).toEqual([null]);
  });

  test('the version of bytes is that of their content', async ({ backend }) => {
    const port = backend.keyValue;
    const bytes = Uint8Array.of(0, 255, 254, 128);
    await port.commit([], [{ op: 'set', key: 'b', value: bytes, expiresAt: null }]);
    const check: KeyCheck = { key: 'b', is: { version: contentVersion(bytes) } };
    expect((await port.commit([check], [set('b', 'next')])).ok).toBe(true);
    expect((await port.commit([check], [set('b', 'again')])).ok).toBe(false);
  });

  test('names the first check that did not hold and writes nothing', async ({ backend }) => {
    const port = backend.keyValue;
    await port.commit([], [set('{t}a', '1')]);
    const answer = await port.commit(
      [
        { key: '{t}a', is: 'present' },
        { key: '{t}b', is: 'absent' },
        { key: '{t}a', is: { version: contentVersion('2') } },
        { key: '{t}b', is: 'present' },
      ],
      [set('{t}b', '1'), { op: 'delete', key: '{t}a' }],
    );
    expect(answer).toEqual({ ok: false, failed: 2 });
    expect(await text(port, '{t}a', '{t}b')).toEqual(['1', null]);
  });

  test('ops of one key happen in order', async ({ backend }) => {
    const port = backend.keyValue;
    const answer = await port.commit(
      [],
      [
        set('k', '1'),
        { op: 'delete', key: 'k' },
        { op: 'delete', key: 'k' },
        { op: 'setFields', key: 'k', fields: { a: '1', b: '2' }, expiresAt: null },
        { op: 'deleteFields', key: 'k', fields: ['a'] },
        { op: 'touch', key: 'k', expiresAt: 4_000_000_000_000 },
        { op: 'setFields', key: 'k', fields: { b: '3', c: '4' }, expiresAt: 'keep' },
      ],
    );
    expect(answer).toEqual({ ok: true, counts: [1, 1, 0, 2, 1, 1, 1] });
    expect(await port.readFields('k')).toEqual({ b: '3', c: '4' });
    expect(await scanAll(port, 'k', 1)).toEqual([{ key: 'k', type: 'fields', expiresAt: 4_000_000_000_000, size: 2 }]);
  });

  test('an expiry does not outlive the key it belonged to', async ({ backend }) => {
    const port = backend.keyValue;
    const later = 4_000_000_000_000;
    await port.commit([], [{ op: 'setFields', key: 'k', fields: { a: '1' }, expiresAt: later }]);
    await port.commit(
      [],
      [
        { op: 'deleteFields', key: 'k', fields: ['a'] },
        { op: 'setFields', key: 'k', fields: { b: '1' }, expiresAt: 'keep' },
      ],
    );
    expect((await scanAll(port, 'k', 1))[0]?.expiresAt).toBe(null);
    await port.commit([], [{ op: 'setFields', key: 'k', fields: { a: '1' }, expiresAt: later }]);
    await port.commit([], [{ op: 'set', key: 'k', value: 'v', expiresAt: 'keep' }]);
    expect((await port.read(['k'], { as: 'text', expiry: true }))[0]?.expiresAt).toBe(later);
  });

  test('an op that meets the other kind of data undoes the whole commit', async ({ backend }) => {
    const port = backend.keyValue;
    await port.commit([], [set('{t}value', '1')]);
    const bad: readonly KeyOp[][] = [
      [set('{t}new', '1'), { op: 'setFields', key: '{t}value', fields: { a: '1' }, expiresAt: null }],
      [set('{t}new', '1'), { op: 'deleteFields', key: '{t}value', fields: ['a'] }],
      [set('{t}new', '1'), { op: 'setFields', key: '{t}new', fields: { a: '1' }, expiresAt: null }],
      [{ op: 'delete', key: '{t}value' }, set('{t}value', '2'), { op: 'deleteFields', key: '{t}value', fields: ['a'] }],
    ];
    for (const ops of bad) {
      await expect(port.commit([], ops)).rejects.toSatisfy((error) => PortolanError.is(error, 'CONFLICT'));
      expect(await text(port, '{t}value', '{t}new')).toEqual(['1', null]);
    }
  });
}
