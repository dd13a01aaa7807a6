import type { KeyInfo, KeyOp, KeyValuePort } from '@portolan/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sqliteKeyValue } from '../src/key-value.ts';
import { openPortKit } from './port-kit.ts';

let kit: ReturnType<typeof openPortKit>;
let port: KeyValuePort;
beforeEach(() => {
  kit = openPortKit();
  port = sqliteKeyValue(kit.context(1));
});
afterEach(() => kit.engine.close());

const numbered = (count: number) => Array.from({ length: count }, (_, at) => `f${at}`);
const map = (count: number) => Object.fromEntries(numbered(count).map((field) => [field, '1']));
const write = (...ops: KeyOp[]) => port.commit([], ops);
const set = (key: string, value: string | Uint8Array, expiresAt: number | null = null): KeyOp => ({
  op: 'set',
  key,
  value,
  expiresAt,
});
const setMap = (key: string, fields: Record<string, string>, expiresAt: number | null = null): KeyOp => ({
  op: 'setFields',
  key,
  fields,
  expiresAt,
});
const text = async (key: string) => (await port.read([key], { as: 'text' }))[0]?.value ?? null;

it('text that holds NUL is whole, in values and fields, and has the size and version of its text', async () => {
  const nul = 'a\0b\0';
  await write(set('v', nul));
  await write(setMap('f', { x: nul }));
  expect(await text('v')).toBe(nul);
  expect(await port.readFields('f')).toEqual({ x: nul });
  const [bytes] = await port.read(['v'], { as: 'bytes' });
  expect([...(bytes?.value ?? [])]).toEqual([97, 0, 98, 0]);
  const { items } = await port.scan({ match: 'v', cursor: null, limit: 1 });
  expect(items[0]?.size).toBe(4);
});

it('a map too large to delete at once is gone at once, and its rows go in the sweep, step by step', async () => {
  await write(setMap('big', map(1_000)));
  await write(setMap('small', map(10)));
  expect(await write({ op: 'delete', key: 'big' })).toEqual({ ok: true, counts: [1] });
  expect(await write({ op: 'delete', key: 'small' })).toEqual({ ok: true, counts: [1] });
  expect(await port.readFields('big')).toBe(null);
  expect((await port.scan({ match: '*', cursor: null, limit: 10 })).items).toEqual([]);
  expect(kit.rows('key_value_field')).toBe(1_000);
  await write(setMap('big', { own: '2' }));
  expect(await kit.sweepAll(300)).toBe(4);
  expect(kit.rows('key_value_field')).toBe(1);
  expect(kit.rows('key_value')).toBe(1);
  expect(await port.readFields('big')).toEqual({ own: '2' });
});

it('a value takes the place of a map of any size, alone and beside other writes', async () => {
  for (const count of [2, 1_000]) {
    await write({ op: 'delete', key: 'k' }, setMap('k', map(count)));
    await write(set('k', 'alone'));
    expect(await text('k')).toBe('alone');
    await write(set('k', 'gone'), { op: 'delete', key: 'k' }, setMap('k', map(count)));
    await Promise.all([write(set('k', 'beside')), write(set('other', '1'))]);
    expect(await text('k')).toBe('beside');
  }
  await kit.sweepAll(300);
  expect(kit.rows('key_value_field')).toBe(0);
});

it('fields of an expired map do not come back with the next map of the key', async () => {
  const now = kit.runtime.clock.now();
  await write(setMap('a', map(3), now + 10));
  await write(setMap('b', map(300), now + 10));
  await kit.runtime.advance(20);
  await write(setMap('a', { x: '1' }));
  await write(setMap('b', { x: '1' }));
  expect([await port.readFields('a'), await port.readFields('b')]).toEqual([{ x: '1' }, { x: '1' }]);
});

it('the sweep removes what has expired, of every namespace, and nothing else', async () => {
  const now = kit.runtime.clock.now();
  const other = sqliteKeyValue(kit.context(2));
  for (const one of [port, other]) {
    for (let at = 0; at < 30; at++) await one.commit([], [set(`value${at}`, 'x', now + 10)]);
    await one.commit([], [setMap('map', map(50), now + 10)]);
    await one.commit([], [set('later', 'x', now + 1_000)]);
    await one.commit([], [set('forever', 'x')]);
  }
  await kit.runtime.advance(20);
  await kit.sweepAll(7);
  expect([kit.rows('key_value'), kit.rows('key_value_field')]).toEqual([4, 0]);
  expect([await text('later'), await text('forever')]).toEqual(['x', 'x']);
});

it('a step of the sweep frees few large values, and says that there are more', async () => {
  const expiresAt = kit.runtime.clock.now() + 10;
  for (let at = 0; at < 10; at++) await write(set(`k${at}`, 'x'.repeat(3_000_000), expiresAt));
  await kit.runtime.advance(20);
  expect(await kit.sweepAll(100)).toBeGreaterThanOrEqual(5);
  expect(kit.rows('key_value')).toBe(0);
});

it('scans in the order of UTF-8, from every prefix, to the last key there can be', async () => {
  const last = '\u{10ffff}';
  const keys = [
    'a',
    'a\u{ffff}',
    `a${last}`,
    `a${last}${last}`,
    'b',
    last,
    `${last}${last}`,
    '\u{d7ff}',
    '\u{e000}',
    '😀',
  ];
  for (const key of keys) await write(set(key, key));
  const scan = async (match: string, limit: number) => {
    const found: KeyInfo[] = [];
    let cursor: string | null = null;
    do {
      const page = await port.scan({ match, cursor, limit });
      found.push(...page.items);
      ({ cursor } = page);
    } while (cursor !== null);
    return found.map((one) => one.key);
  };
  const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const limit of [1, 3, 100]) {
    expect(await scan('*', limit)).toEqual(sorted);
    for (const prefix of ['a', `a${last}`, last, '\u{d7ff}', 'b', 'c']) {
      expect(await scan(`${prefix}*`, limit)).toEqual(sorted.filter((key) => key.startsWith(prefix)));
    }
  }
});

it('a page looks at a bounded number of keys, expired ones too, and goes on from there', async () => {
  const now = kit.runtime.clock.now();
  await Promise.all(Array.from({ length: 2_500 }, (_, at) => write(set(`k${at}`, '1', at < 2_400 ? now + 10 : null))));
  await write(set('z', '1'));
  await kit.runtime.advance(20);
  const pages: number[] = [];
  let cursor: string | null = null;
  do {
    const page = await port.scan({ match: '?', cursor, limit: 10 });
    pages.push(page.items.length);
    ({ cursor } = page);
  } while (cursor !== null);
  expect(pages).toEqual([0, 0, 1]);
});

it('bytes that the caller changes right after the call are stored as they were', async () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const alone = write(set('a', bytes));
  const two = write(set('{t}b', bytes), set('{t}c', 'x'));
  bytes.fill(9);
  await Promise.all([alone, two]);
  const stored = await port.read(['a', '{t}b'], { as: 'bytes' });
  expect(stored.map((one) => one && [...one.value])).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

it('no statement walks through a table or sorts', async () => {
  await write(set('v', '1'), setMap('m', { a: '1', b: '2' }), { op: 'touch', key: 'v', expiresAt: null });
  await write({ op: 'deleteFields', key: 'm', fields: ['a'] }, { op: 'delete', key: 'v' }, setMap('big', map(201)));
  await write({ op: 'delete', key: 'big' });
  await port.readFields('m', ['b']);
  await port.readFields('m');
  for (const match of ['*', 'm', 'm*', '*m']) await port.scan({ match, cursor: null, limit: 2 });
  await kit.sweepAll(100);
  const plans = kit.plans();
  expect(plans.length).toBeGreaterThan(12);
  for (const { text: statement, plan } of plans)
    expect([statement, plan]).not.toEqual([statement, expect.stringMatching(/SCAN|TEMP B-TREE/)]);
});

it('a page of a scan seeks to where the last one ended and reads on from there, whatever the prefix', async () => {
  const keys = ['a', 'ab', 'é', 'b', '\u{1f600}', '\uffee', 'b\u{1f600}', 'b\uffee'];
  await write(...keys.map((key) => set(key, '')));
  for (const prefix of ['', 'a', 'b', '\u{1f600}', '\u{10ffff}']) {
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await port.scan({ match: `${prefix}*`, cursor, limit: 1 });
      found.push(...page.items.map((one) => one.key));
      cursor = page.cursor;
    } while (cursor);
    expect(found.sort()).toEqual(keys.filter((key) => key.startsWith(prefix)).sort());
  }
  const scans = kit.plans().filter(({ text: statement }) => statement.includes('ORDER BY key LIMIT'));
  expect(scans.length).toBe(4);
  for (const { text: statement, program } of scans)
    expect([statement, program.filter((one) => /^(Lt|Le|Gt|Ge)$/.test(one))]).toEqual([statement, []]);
});

it('a cursor from before the prefix begins at the prefix', async () => {
  await write(...['a', 'b', 'ba', 'c'].map((key) => set(key, '')));
  const { cursor } = await port.scan({ match: '*', cursor: null, limit: 1 });
  const { items } = await port.scan({ match: 'b*', cursor, limit: 10 });
  expect(items.map((one) => one.key)).toEqual(['b', 'ba']);
});
