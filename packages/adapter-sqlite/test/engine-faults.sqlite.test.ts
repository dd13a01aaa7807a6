import { openSync, readFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { createRuntime, PortolanError, silentLogger } from '@portolan/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../src/database.ts';
import { Engine } from '../src/engine.ts';
import { WriteQueue } from '../src/write-queue.ts';
import { temporaryFile } from './process-kit.ts';

let file = '';
let engine: Engine;
const open = async (deadlineMs = 5_000) => {
  engine = await Engine.open({ path: file, synchronous: 'normal' }, createRuntime(), deadlineMs);
};
beforeEach(async () => {
  file = temporaryFile();
  await open();
  await engine.write(() => engine.sql("INSERT INTO namespace (name) VALUES ('n')").run());
});
afterEach(() => engine.close());

const put = (key: string) => engine.sql('INSERT INTO counter (namespace, key, value) VALUES (1, ?, 0)').run(key);
const has = (key: string) => engine.sql('SELECT 1 FROM counter WHERE key = ?').get(key) !== undefined;
const codes = (all: readonly Promise<unknown>[]) =>
  Promise.allSettled(all).then((some) => some.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code)));
/** What SQLite throws at a read while another process recovers the log after a crash. */
const busy = () => Object.assign(new Error('database is locked'), { errcode: 5 });

it.each([
  ['zeroes', 0],
  ['nonsense', 0xa5],
])('a page of %s fails the reads that need it, and no other', async (_, byte) => {
  const value = (at: number) =>
    engine.sql('SELECT value FROM key_value WHERE namespace = 1 AND key = ?').get(`k${at}`)?.value;
  const insert = "INSERT INTO key_value (namespace, key, value) VALUES (1, ?, ? || '-' || hex(zeroblob(500)))";
  await engine.write(() => {
    for (let at = 0; at < 500; at++) engine.sql(insert).run(`k${at}`, `v${at}`);
  });
  engine.close();
  const page = Math.floor(readFileSync(file).indexOf('v250-000') / 4_096);
  writeSync(openSync(file, 'r+'), Buffer.alloc(4_096, byte), 0, 4_096, page * 4_096);
  await open();
  const start = (at: number) => String(value(at)).slice(0, 4);
  const answers = await codes([250, 10, 250, 490, 20].map((at) => engine.read(() => start(at))));
  expect(answers).toEqual(['UNAVAILABLE', 'v10-', 'UNAVAILABLE', 'v490', 'v20-']);
  expect(await codes([engine.snapshot(() => start(250)), engine.snapshot(() => start(10))])).toEqual([
    'UNAVAILABLE',
    'v10-',
  ]);
  expect(await engine.write(() => has('none'))).toBe(false);
});

it('an error that ends the transaction of reads leaves those behind it a transaction of their own', async () => {
  const failing = engine.read(() => {
    engine.sql('ROLLBACK').run();
    throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
  });
  const other = new DatabaseSync(file, { timeout: 1_000 });
  const twice = engine.snapshot(() => {
    const before = has('k');
    other.exec("INSERT INTO counter (namespace, key, value) VALUES (1, 'k', 0)");
    return before === has('k');
  });
  expect(await codes([engine.read(() => 1), failing, twice, engine.read(() => 2)])).toEqual([
    1,
    'UNAVAILABLE',
    true,
    2,
  ]);
  other.close();
});

it('reads that meet a lock wait for it, and those called with them', async () => {
  let left = 3;
  const read = () => {
    if (left-- > 0) throw busy();
    return has('none');
  };
  const calls = [engine.read(() => 1), engine.snapshot(read), engine.snapshot(() => 2), engine.read(() => 3)];
  expect(await codes(calls)).toEqual([1, false, 2, 3]);
  expect(left).toBe(-1);
});

it('reads wait for a lock no longer than the deadline', async () => {
  engine.close();
  await open(20);
  const held = () => {
    throw busy();
  };
  expect(await codes([engine.snapshot(held), engine.read(held)])).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
  expect(await engine.read(() => 1)).toBe(1);
});

it('a write is refused for what is committed, never for what another of its batch would have done', async () => {
  const other = new DatabaseSync(file);
  const there = () => other.prepare("SELECT 1 FROM counter WHERE key = 'k'").get() !== undefined;
  const first = engine.write(() => void put('k'));
  const second = engine.write(() => {
    if (has('k')) throw new PortolanError('CONFLICT', 'k is there');
  });
  expect(await second.catch(there)).toBe(true);
  await first;
  other.close();
});

it('a write is answered by what it finds when the batch is run again', async () => {
  let held = false;
  const first = engine.write(() => {
    if (held) throw new PortolanError('CONFLICT', 'not any more');
    held = true;
    put('k');
  });
  const second = engine.write(() => {
    if (has('k')) throw new PortolanError('CONFLICT', 'k is there');
    return 'absent';
  });
  expect(await codes([first, second])).toEqual(['CONFLICT', 'absent']);
});

it('a transaction that cannot even be rolled back rejects its writes', async () => {
  const database = openDatabase({ path: temporaryFile(), synchronous: 'normal' });
  const writes = new WriteQueue(database, 1_000, silentLogger);
  const exec = database.exec.bind(database);
  database.exec = (text) => {
    exec(text);
    if (text === 'ROLLBACK') throw new Error('disk I/O error');
  };
  const failing = writes.add(() => {
    throw new PortolanError('CONFLICT', 'no');
  });
  expect(await codes([failing, writes.add(() => 1)])).toEqual(['CONFLICT', 1]);
  database.close();
});
