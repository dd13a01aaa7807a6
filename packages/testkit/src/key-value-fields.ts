import { createKeyValue, type KeyValue, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import type { AddCase, Case } from './suite.ts';

const open = ({ kit, backend }: Case): KeyValue => createKeyValue({ port: backend.keyValue, runtime: kit.runtime });

export function keyValueFieldCases(test: AddCase): void {
  test('sets several fields, gets some, one or all, asks and deletes', async (one) => {
    const kv = open(one);
    expect(await kv.setFields('f', { a: 1, b: { x: [null] } })).toBe(2);
    expect(await kv.setFields('f', { b: 'two', c: null })).toBe(1);
    expect(await kv.getFields('f')).toEqual({ a: 1, b: 'two', c: null });
    expect(await kv.getFields('f', ['c', 'none', 'c'])).toEqual({ c: null });
    expect(await kv.getFields('f', ['none'])).toEqual({});
    expect(await kv.getFields('absent')).toBe(undefined);
    expect([await kv.getField('f', 'b'), await kv.getField('f', 'none'), await kv.getField('no', 'b')]).toEqual([
      'two',
      undefined,
      undefined,
    ]);
    expect([await kv.hasField('f', 'c'), await kv.hasField('f', 'none')]).toEqual([true, false]);
    expect(await kv.deleteFields('f', ['a', 'a', 'none'])).toBe(1);
    expect(await kv.deleteFields('f', ['b', 'c'])).toBe(2);
    expect(await kv.exists('f')).toBe(false);
  });

  test('without a TTL the map keeps its expiry', async (one) => {
    const kv = open(one);
    await kv.setFields('f', { a: 1 }, { ttlMs: 100 });
    await kv.setFields('f', { b: 1 });
    await kv.setFields('g', { a: 1 }, { ttlMs: 100 });
    await kv.setFields('g', { b: 1 }, { ttlMs: 60_000 });
    await one.kit.pass(150);
    expect(await kv.getFields('f')).toBe(undefined);
    expect(await kv.getFields('g')).toEqual({ a: 1, b: 1 });
  });

  test('fields with special names, and none inherited', async (one) => {
    const kv = open(one);
    const fields = JSON.parse('{"__proto__":{"admin":true},"constructor":1}') as Record<string, unknown>;
    expect(await kv.setFields('f', fields)).toBe(2);
    const all = (await kv.getFields('f')) ?? {};
    expect(Object.keys(all).sort()).toEqual(['__proto__', 'constructor']);
    expect((all as { admin?: unknown }).admin).toBe(undefined);
    expect(await kv.getField('f', '__proto__')).toEqual({ admin: true });
    expect(await kv.getField('f', 'toString')).toBe(undefined);
    expect(await kv.hasField('f', 'hasOwnProperty')).toBe(false);
  });

  test('a key that holds a value refuses fields, and bad arguments are INVALID', async (one) => {
    const kv = open(one);
    await kv.set('v', 1);
    for (const call of [
      () => kv.setFields('v', { a: 1 }),
      () => kv.getFields('v'),
      () => kv.getField('v', 'a'),
      () => kv.deleteFields('v', ['a']),
    ]) {
      await expect(call()).rejects.toSatisfy((error) => PortolanError.is(error, 'CONFLICT'));
    }
    for (const call of [
      () => kv.setFields('f', {}),
      () => kv.setFields('f', { '': 1 }),
      () => kv.setFields('f', { a: undefined }),
      () => kv.getFields('f', []),
      () => kv.deleteFields('f', []),
    ]) {
      await expect(call()).rejects.toSatisfy((error) => PortolanError.is(error, 'INVALID'));
    }
    expect(await kv.get('v')).toBe(1);
  });
}
