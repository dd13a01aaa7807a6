import { contentVersion, createKeyValue, type ErrorCode, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { AddCase, Case } from './suite.ts';

const open = ({ kit, backend }: Case, maxValueBytes?: number) =>
  createKeyValue({ port: backend.keyValue, runtime: kit.runtime, ...(maxValueBytes ? { maxValueBytes } : {}) });

const refusal = (code: ErrorCode) => (error: unknown) => PortolanError.is(error, code);

export function keyValueBehaviourCases(test: AddCase): void {
  test('JSON values come back as they were', async (one) => {
    const kv = open(one);
    const values = [null, true, 0, -1.5, '', 'é😀\n', [], [1, [2]], {}, { a: { b: null } }, '"quoted"', '456'];
    for (const value of values) {
      await kv.set('k', value);
      expect(await kv.get('k')).toEqual(value);
    }
    expect(await kv.get('none')).toBe(undefined);
    expect(await kv.getMany(['k', 'none'])).toEqual(['456', undefined]);
    expect(await kv.getMany([])).toEqual([]);
  });

  test('refuses what JSON cannot say, bad keys and bad times', async (one) => {
    const kv = open(one);
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const value of [undefined, () => 1, Symbol('x'), 1n, cycle]) {
      await expect(kv.set('k', value)).rejects.toSatisfy(refusal('INVALID'));
    }
    for (const key of ['', 'a\nb', 'x'.repeat(513), '\ud800', 'é'.repeat(257)]) {
      const calls = [
        kv.get(key),
        kv.set(key, 1),
        kv.delete(key),
        kv.exists(key),
        kv.touch(key, 1),
        kv.getMany(['k', key]),
      ];
      const more = [
        kv.setFields(key, { a: 1 }),
        kv.getFields(key),
        kv.setMany([{ key, value: 1 }]),
        kv.update(key, () => 1),
      ];
      for (const call of [...calls, ...more]) await expect(call).rejects.toSatisfy(refusal('INVALID'));
    }
    for (const ttlMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER]) {
      for (const call of [kv.set('k', 1, { ttlMs }), kv.touch('k', ttlMs), kv.setFields('k', { a: 1 }, { ttlMs })]) {
        await expect(call).rejects.toSatisfy(refusal('INVALID'));
      }
    }
    await expect(kv.set('k', 1, { if: 'absent', version: 'x' })).rejects.toSatisfy(refusal('INVALID'));
    for (const limit of [0, 1_001, 1.5]) await expect(kv.keys({ limit })).rejects.toSatisfy(refusal('INVALID'));
    expect(await kv.exists('k')).toBe(false);
  });

  test('the longest key is a key', async (one) => {
    const kv = open(one);
    for (const key of ['x'.repeat(512), 'é'.repeat(256), ' ', '*', '/a?b=c#d', '__proto__']) {
      await kv.set(key, key);
      expect(await kv.get(key)).toBe(key);
    }
    expect((await kv.keys()).keys.length).toBe(6);
  });

  test('refuses a value longer than the limit in bytes', async (one) => {
    const kv = open(one, 12);
    await kv.set('k', 'é'.repeat(5));
    for (const call of [
      kv.set('k', 'é'.repeat(6)),
      kv.setBytes('k', new Uint8Array(13)),
      kv.setFields('f', { a: 'x'.repeat(11) }),
      kv.update('k', () => 'x'.repeat(11)),
    ]) {
      await expect(call).rejects.toSatisfy(refusal('TOO_LARGE'));
    }
    expect(await kv.get('k')).toBe('ééééé');
  });

  test('set answers whether it wrote and the version that is stored', async (one) => {
    const kv = open(one);
    const first = await kv.set('k', { a: 1 }, { if: 'absent' });
    expect(first).toMatchObject({ written: true, version: contentVersion('{"a":1}') });
    expect(JSON.parse(JSON.stringify(first))).toEqual({ written: true, version: first.version });
    expect(await kv.set('k', 2, { if: 'absent' })).toEqual({ written: false, version: first.version });
    expect(await kv.set('none', 2, { if: 'present' })).toEqual({ written: false, version: null });
    expect((await kv.set('k', 3, { version: 'other' })).written).toBe(false);
    const second = await kv.set('k', 3, { version: first.version ?? '' });
    expect(second.written).toBe(true);
    expect(await kv.entry('k')).toEqual({ value: 3, version: second.version, ttlMs: null });
    expect(await kv.set('k', 4, { if: 'present' })).toMatchObject({ written: true });
    expect(await kv.delete('k', { version: second.version ?? '' })).toBe(false);
    expect(await kv.delete('k', { version: contentVersion('4') })).toBe(true);
    expect(await kv.delete('k')).toBe(false);
    expect(await kv.entry('k')).toBe(undefined);
  });

  test('a time to live ends a value; keep, touch and a plain set change it', async (one) => {
    const kv = open(one);
    await kv.set('short', 1, { ttlMs: 100 });
    await kv.set('kept', 1, { ttlMs: 100 });
    await kv.set('kept', 2, { ttlMs: 'keep' });
    await kv.set('freed', 1, { ttlMs: 100 });
    await kv.set('freed', 2);
    await kv.set('longer', 1, { ttlMs: 100 });
    expect(await kv.touch('longer', 60_000)).toBe(true);
    await kv.set('forever', 1, { ttlMs: 100 });
    expect(await kv.touch('forever', null)).toBe(true);
    await kv.setFields('fields', { a: 1 }, { ttlMs: 100 });
    const left = (await kv.entry('longer'))?.ttlMs ?? 0;
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(60_000);
    await one.kit.pass(150);
    expect(await kv.getMany(['short', 'kept', 'freed', 'longer', 'forever'])).toEqual([undefined, undefined, 2, 1, 1]);
    expect(await kv.getFields('fields')).toBe(undefined);
    expect(await kv.touch('short', 1_000)).toBe(false);
    expect((await kv.entry('forever'))?.ttlMs).toBe(null);
  });

  test('setMany, exists, delete and keys see both kinds', async (one) => {
    const kv = open(one);
    await kv.setMany([
      { key: 'user:1', value: { n: 1 } },
      { key: 'user:2', value: { n: 2 }, ttlMs: 60_000 },
      { key: 'other', value: 0 },
    ]);
    await kv.setFields('user:map', { a: 1, b: 2 });
    expect(await kv.getMany(['user:1', 'user:2', 'user:map'])).toEqual([{ n: 1 }, { n: 2 }, undefined]);
    const page = await kv.keys({ match: 'user:*' });
    const listed = page.keys.map(({ key, type, ttlMs, size }) => [key, type, ttlMs === null, size]).sort();
    expect(listed).toEqual([
      ['user:1', 'value', true, 7],
      ['user:2', 'value', false, 7],
      ['user:map', 'fields', true, 2],
    ]);
    expect(page.cursor).toBe(null);
    expect([await kv.exists('user:map'), await kv.exists('other'), await kv.exists('no')]).toEqual([true, true, false]);
    expect([await kv.delete('user:map'), await kv.delete('no')]).toEqual([true, false]);
    await kv.set('other', 1);
    expect(await kv.exists('user:map')).toBe(false);
  });

  test('update makes the next value, deletes on undefined and keeps the expiry', async (one) => {
    const kv = open(one);
    expect(await kv.update('n', (now) => (typeof now === 'number' ? now + 1 : 1))).toBe(1);
    expect(await kv.update('n', async (now) => (typeof now === 'number' ? now + 1 : 1))).toBe(2);
    await kv.touch('n', 60_000);
    await kv.update('n', () => 7);
    expect((await kv.entry('n'))?.ttlMs).toBeGreaterThan(30_000);
    await kv.update('n', (now) => now, { ttlMs: 600_000 });
    expect((await kv.entry('n'))?.ttlMs).toBeGreaterThan(300_000);
    expect(await kv.update('n', () => undefined)).toBe(undefined);
    expect(await kv.exists('n')).toBe(false);
    expect(await kv.update('n', () => undefined)).toBe(undefined);
    const broken = kv.update('n', () => {
      throw new Error('mine');
    });
    await expect(broken).rejects.toThrow('mine');
    await kv.setFields('map', { a: 1 });
    await expect(kv.update('map', () => 1, { attempts: 2 })).rejects.toSatisfy(refusal('CONFLICT'));
    expect(await kv.getFields('map')).toEqual({ a: 1 });
  });

  test('update gives up with CONFLICT after its attempts', async (one) => {
    const kv = open(one);
    let runs = 0;
    const contested = kv.update(
      'k',
      async () => {
        await kv.set('k', ++runs);
        return 'mine';
      },
      { attempts: 3 },
    );
    const failure = contested.catch((error: unknown) => error);
    const error = await one.kit.eventually('the update ends', () => Promise.race([failure, undefined]));
    expect(refusal('CONFLICT')(error)).toBe(true);
    expect([runs, await kv.get('k')]).toEqual([3, 3]);
  });

  test('take gets and deletes', async (one) => {
    const kv = open(one);
    await kv.set('k', { a: 1 });
    expect(await kv.take('k')).toEqual({ a: 1 });
    expect(await kv.take('k')).toBe(undefined);
  });

  test('bytes are bytes', async (one) => {
    const kv = open(one);
    const bytes = Uint8Array.of(0, 255, 254);
    const { version } = await kv.setBytes('b', bytes, { ttlMs: 60_000 });
    expect([...((await kv.getBytes('b')) ?? [])]).toEqual([0, 255, 254]);
    expect(version).toBe(contentVersion(bytes));
    expect(await kv.setBytes('b', bytes, { if: 'absent' })).toEqual({ written: false, version });
    expect(await kv.getBytes('none')).toBe(undefined);
    await expect(kv.get('b')).rejects.toSatisfy(refusal('INTERNAL'));
  });

  test('commit writes several keys of one tag, or nothing', async (one) => {
    const kv = open(one);
    await kv.set('{order:7}', { lines: 0 });
    const { version } = (await kv.entry('{order:7}')) ?? { version: '' };
    const changes = [
      { op: 'set', key: '{order:7}', value: { lines: 1 } },
      { op: 'setFields', key: '{order:7}:lines', fields: { 1: { sku: 'a' } }, ttlMs: 60_000 },
    ] as const;
    expect(await kv.commit([{ key: '{order:7}', is: { version } }], changes)).toEqual({ ok: true, counts: [1, 1] });
    expect(await kv.commit([{ key: '{order:7}', is: { version } }], changes)).toEqual({ ok: false, failed: 0 });
    expect(await kv.getFields('{order:7}:lines')).toEqual({ 1: { sku: 'a' } });
    await expect(
      kv.commit(
        [],
        [
          { op: 'delete', key: 'a' },
          { op: 'delete', key: 'b' },
        ],
      ),
    ).rejects.toSatisfy(refusal('INVALID'));
    await expect(kv.commit([{ key: '{x}a', is: 'absent' }], [{ op: 'delete', key: '{y}a' }])).rejects.toSatisfy(
      refusal('INVALID'),
    );
  });

  test('a typed view checks what is written and what is read', async (one) => {
    const kv = open(one);
    const users = kv.of(z.object({ name: z.string(), age: z.number().int().default(0) }).strict(), 'user:');
    await users.set('1', { name: 'Eden' });
    expect(await kv.get('user:1')).toEqual({ name: 'Eden', age: 0 });
    const user = await users.get('1');
    expect(user?.name).toBe('Eden');
    expect(await users.update('1', (now) => ({ name: now?.name ?? '', age: (now?.age ?? 0) + 1 }))).toEqual({
      name: 'Eden',
      age: 1,
    });
    expect(await users.getMany(['1', '2'])).toEqual([{ name: 'Eden', age: 1 }, undefined]);
    expect(await users.entry('1')).toMatchObject({ value: { age: 1 }, ttlMs: null });
    const wrong = { name: 'x', age: 'old' } as unknown as { name: string };
    await expect(users.set('1', wrong)).rejects.toSatisfy(refusal('INVALID'));
    await expect(users.update('1', () => wrong)).rejects.toSatisfy(refusal('INVALID'));
    await kv.set('user:3', { name: 3 });
    const failure = await users.get('3').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'INTERNAL', issues: [{ path: ['name'] }] });
    expect([await users.exists('1'), await users.take('1'), await users.delete('1')]).toEqual([
      true,
      { name: 'Eden', age: 1 },
      false,
    ]);
  });
}
