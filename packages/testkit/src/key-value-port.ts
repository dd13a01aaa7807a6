import { type KeyOp, type KeyValuePort, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { scanAll } from './key-value-scan.ts';
import type { AddCase } from './suite.ts';

const set = (key: string, value: string | Uint8Array, expiresAt: number | null | 'keep' = null): KeyOp => ({
  op: 'set',
  key,
  value,
  expiresAt,
});
const setFields = (key: string, fields: Record<string, string>, expiresAt: number | null | 'keep' = 'keep'): KeyOp => ({
  op: 'setFields',
  key,
  fields,
  expiresAt,
});

const write = (port: KeyValuePort, ...ops: KeyOp[]) => port.commit([], ops);

async function expiry(port: KeyValuePort, key: string): Promise<number | null | undefined> {
  return (await port.read([key], { as: 'text', expiry: true }))[0]?.expiresAt;
}

export function keyValuePortCases(test: AddCase): void {
  test('reads values in the order of the keys, null where there is none or fields', async ({ backend }) => {
    const port = backend.keyValue;
    await write(port, set('a', '1'));
    await write(port, set('b', ''));
    await write(port, setFields('f', { x: '1' }));
    const keys = ['b', 'none', 'a', 'f', 'a'];
    const values = [{ value: '' }, null, { value: '1' }, null, { value: '1' }];
    expect(await port.read(keys, { as: 'text' })).toEqual(values);
    const withExpiry = values.map((one) => one && { ...one, expiresAt: null });
    expect(await port.read(keys, { as: 'text', expiry: true })).toEqual(withExpiry);
    expect(await port.read(['f'], { as: 'text' })).toEqual([null]);
  });

  test('keeps text and bytes exactly', async ({ backend }) => {
    const port = backend.keyValue;
    const text = '"\u0000 é 漢 😀 \\ \r\n $3 {}"';
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await write(port, set('text', text));
    await write(port, set('bytes', bytes.subarray(1)));
    await write(port, set('{t}a', text), set('{t}b', bytes));
    expect(await port.read(['text', '{t}a'], { as: 'text' })).toEqual([{ value: text }, { value: text }]);
    const read = await port.read(['bytes', '{t}b', 'text'], { as: 'bytes' });
    expect(read.map((one) => one && [...one.value])).toEqual([
      [...bytes.subarray(1)],
      [...bytes],
      [...Buffer.from(text)],
    ]);
    const far = 4_000_000_000_000;
    await write(port, { op: 'touch', key: 'bytes', expiresAt: far });
    const [entry] = await port.read(['bytes'], { as: 'bytes', expiry: true });
    expect([...(entry?.value ?? [])]).toEqual([...bytes.subarray(1)]);
    expect(entry?.expiresAt).toBe(far);
  });

  test('what is stored is not changed through what was passed or answered', async ({ backend }) => {
    const port = backend.keyValue;
    const bytes = Uint8Array.of(1, 2, 3);
    await write(port, set('bytes', bytes));
    bytes[0] = 9;
    const [first] = await port.read(['bytes'], { as: 'bytes' });
    if (first) first.value[1] = 9;
    const [second] = await port.read(['bytes'], { as: 'bytes' });
    expect([...(second?.value ?? [])]).toEqual([1, 2, 3]);
  });

  test('sets, keeps, moves and removes an expiry to the millisecond', async ({ kit, backend }) => {
    const port = backend.keyValue;
    const at = kit.runtime.clock.now() + 60_000;
    await write(port, set('a', '1', at));
    expect(await expiry(port, 'a')).toBe(at);
    await write(port, set('a', '2', 'keep'));
    expect(await expiry(port, 'a')).toBe(at);
    expect(await write(port, { op: 'touch', key: 'a', expiresAt: at + 1 })).toEqual({ ok: true, counts: [1] });
    expect(await expiry(port, 'a')).toBe(at + 1);
    expect(await write(port, { op: 'touch', key: 'a', expiresAt: null })).toEqual({ ok: true, counts: [1] });
    expect(await write(port, { op: 'touch', key: 'a', expiresAt: null })).toEqual({ ok: true, counts: [1] });
    expect(await expiry(port, 'a')).toBe(null);
    await write(port, set('a', '3', at));
    await write(port, set('a', '4'));
    expect(await expiry(port, 'a')).toBe(null);
    await write(port, set('new', '1', 'keep'));
    expect(await expiry(port, 'new')).toBe(null);
    expect(await write(port, { op: 'touch', key: 'none', expiresAt: at })).toEqual({ ok: true, counts: [0] });
    expect(await write(port, { op: 'touch', key: 'none', expiresAt: null })).toEqual({ ok: true, counts: [0] });
  });

  test('an expired key is absent to every call', async ({ kit, backend }) => {
    const port = backend.keyValue;
    const at = kit.runtime.clock.now() + 80;
    await write(port, set('value', '1', at));
    await write(port, setFields('fields', { a: '1' }, at));
    await kit.pass(120);
    expect(await port.read(['value'], { as: 'text' })).toEqual([null]);
    expect(await port.read(['value'], { as: 'text', expiry: true })).toEqual([null]);
    expect(await port.readFields('fields')).toBe(null);
    expect(await port.readFields('fields', ['a'])).toBe(null);
    expect(await scanAll(port, '*', 10)).toEqual([]);
    expect(await write(port, { op: 'delete', key: 'value' })).toEqual({ ok: true, counts: [0] });
    expect(await write(port, { op: 'touch', key: 'fields', expiresAt: null })).toEqual({ ok: true, counts: [0] });
    expect((await port.commit([{ key: 'value', is: 'absent' }], [])).ok).toBe(true);
    expect(await write(port, setFields('fields', { b: '2' }))).toEqual({ ok: true, counts: [1] });
    expect(await port.readFields('fields')).toEqual({ b: '2' });
  });

  test('an expiry in the past leaves the key absent', async ({ kit, backend }) => {
    const port = backend.keyValue;
    const past = kit.runtime.clock.now() - 1_000;
    await write(port, set('a', '1'));
    expect(await write(port, set('a', '2', past))).toEqual({ ok: true, counts: [1] });
    await write(port, set('b', '1'));
    expect(await write(port, { op: 'touch', key: 'b', expiresAt: past })).toEqual({ ok: true, counts: [1] });
    expect(await write(port, setFields('c', { x: '1' }, past))).toEqual({ ok: true, counts: [1] });
    expect(await write(port, set('{t}d', '1', past), setFields('{t}d', { x: '1' }))).toEqual({
      ok: true,
      counts: [1, 1],
    });
    expect(await port.read(['a', 'b'], { as: 'text' })).toEqual([null, null]);
    expect(await port.readFields('c')).toBe(null);
    expect(await port.readFields('{t}d')).toEqual({ x: '1' });
  });

  test('sets, reads and deletes fields', async ({ backend }) => {
    const port = backend.keyValue;
    expect(await write(port, setFields('f', { a: '1', b: '2' }))).toEqual({ ok: true, counts: [2] });
    expect(await write(port, setFields('f', { b: '3', c: '' }))).toEqual({ ok: true, counts: [1] });
    expect(await port.readFields('f')).toEqual({ a: '1', b: '3', c: '' });
    expect(await port.readFields('f', ['c', 'none', 'a'])).toEqual({ a: '1', c: '' });
    expect(await port.readFields('f', ['none'])).toEqual({});
    expect(await port.readFields('absent', ['a'])).toBe(null);
    expect(await port.readFields('absent')).toBe(null);
    expect(await write(port, { op: 'deleteFields', key: 'f', fields: ['a', 'none'] })).toEqual({
      ok: true,
      counts: [1],
    });
    expect(await write(port, { op: 'deleteFields', key: 'f', fields: ['b', 'c'] })).toEqual({ ok: true, counts: [2] });
    expect((await port.commit([{ key: 'f', is: 'absent' }], [])).ok).toBe(true);
    expect(await write(port, { op: 'deleteFields', key: 'f', fields: ['b'] })).toEqual({ ok: true, counts: [0] });
  });

  test('field names that JavaScript treats specially are fields like any other', async ({ backend }) => {
    const port = backend.keyValue;
    const names = ['__proto__', 'constructor', 'toString', 'length', '0'];
    await write(port, setFields('f', Object.fromEntries(names.map((name, at) => [name, `${at}`]))));
    for (const fields of [await port.readFields('f'), await port.readFields('f', names)]) {
      expect(Object.entries(fields ?? {}).sort()).toEqual(names.map((name, at) => [name, `${at}`]).sort());
    }
    expect(await port.readFields('f', ['valueOf'])).toEqual({});
    expect(await write(port, { op: 'deleteFields', key: 'f', fields: names })).toEqual({ ok: true, counts: [5] });
  });

  test('a map of many fields is written, read and deleted in one go', async ({ backend }) => {
    const port = backend.keyValue;
    const names = Array.from({ length: 9_000 }, (_, at) => `field-${at}`);
    const fields = Object.fromEntries(names.map((name) => [name, name]));
    expect(await write(port, setFields('plain', fields))).toEqual({ ok: true, counts: [9_000] });
    expect(await write(port, setFields('{t}f', fields, null), set('{t}v', '1'))).toEqual({
      ok: true,
      counts: [9_000, 1],
    });
    expect(await port.readFields('{t}f', names)).toEqual(fields);
    expect(await port.readFields('plain')).toEqual(fields);
    const removal: KeyOp = { op: 'deleteFields', key: '{t}f', fields: names };
    expect(await write(port, removal, { op: 'delete', key: '{t}v' })).toEqual({ ok: true, counts: [9_000, 1] });
  });

  test('a key is of one kind; set and delete replace or remove either', async ({ backend }) => {
    const port = backend.keyValue;
    await write(port, set('v', '1'));
    const isConflict = (error: unknown) => PortolanError.is(error, 'CONFLICT');
    for (const wrong of [
      () => port.readFields('v'),
      () => port.readFields('v', ['a']),
      () => write(port, setFields('v', { a: '1' })),
      () => write(port, setFields('v', { a: '1' }, null)),
      () => write(port, { op: 'deleteFields', key: 'v', fields: ['a'] }),
    ]) {
      await expect(wrong()).rejects.toSatisfy(isConflict);
    }
    await write(port, setFields('f', { a: '1' }));
    expect(await write(port, set('f', '2'))).toEqual({ ok: true, counts: [1] });
    expect(await port.read(['f', 'v'], { as: 'text' })).toEqual([{ value: '2' }, { value: '1' }]);
    await write(port, { op: 'delete', key: 'f' });
    await write(port, setFields('f', { a: '1' }));
    expect(await write(port, { op: 'delete', key: 'f' })).toEqual({ ok: true, counts: [1] });
  });

  test('two processes see the same keys', async ({ kit, backend }) => {
    const other = (await kit.open()).keyValue;
    await write(backend.keyValue, set('a', '1'));
    expect(await other.read(['a'], { as: 'text' })).toEqual([{ value: '1' }]);
    await write(other, { op: 'delete', key: 'a' });
    expect(await backend.keyValue.read(['a'], { as: 'text' })).toEqual([null]);
  });
}
