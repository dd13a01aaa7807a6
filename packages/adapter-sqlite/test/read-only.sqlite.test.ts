import { existsSync, linkSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Backend, createRuntime } from '@portolan/core';
import { beforeEach, expect, it } from 'vitest';
import { backupFile } from '../src/backup.ts';
import { openToRead } from '../src/database.ts';
import { sqliteAdapter } from '../src/index.ts';
import { temporaryFile } from './process-kit.ts';

let file = '';
beforeEach(() => {
  file = temporaryFile();
});
const open = (readOnly: boolean, namespace = 'n') =>
  sqliteAdapter().open(`sqlite:${file}`, { namespace, runtime: createRuntime(), deadlineMs: 1_000, readOnly });
const set = (backend: Backend, key: string) =>
  backend.keyValue.commit([], [{ op: 'set', key, value: '1', expiresAt: null }]);
const keys = async (backend: Backend) =>
  (await backend.keyValue.scan({ match: '*', cursor: null, limit: 10 })).items.map((one) => one.key);

it('a store that is only looked at is not made', async () => {
  file = join(dirname(file), 'deeper', 'typo.db');
  await expect(open(true)).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('no file') });
  expect(existsSync(dirname(file))).toBe(false);
});

it('an empty file is refused, and stays empty', async () => {
  writeFileSync(file, '');
  await expect(open(true)).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('no store') });
  expect(readFileSync(file)).toHaveLength(0);
});

it('reads what others write meanwhile, writes nothing, and refuses to', async () => {
  const writer = await open(false);
  await set(writer, 'a');
  const reader = await open(true);
  const stranger = await open(true, 'other');
  await set(writer, 'b');
  expect(await keys(reader)).toEqual(['a', 'b']);
  expect(await keys(stranger)).toEqual([]);
  await reader.ping();
  await expect(set(reader, 'c')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
  await Promise.all([reader.close(), stranger.close()]);
  await writer.close();
  const before = readFileSync(file);
  const again = await open(true);
  expect(await keys(again)).toEqual(['a', 'b']);
  await again.close();
  expect(readFileSync(file).equals(before)).toBe(true);
});

it('reads a file beside which nothing can be made, as on a disk that is read-only', async () => {
  const writer = await open(false);
  await set(writer, 'a');
  await writer.close();
  // A name that leads nowhere: SQLite can make no log there.
  symlinkSync('/nowhere/log', `${file}-wal`);
  const reader = await open(true);
  expect(await keys(reader)).toEqual(['a']);
  await reader.close();
  // With a log, the file alone is not the whole truth.
  unlinkSync(`${file}-wal`);
  writeFileSync(`${file}-wal`, 'log'.repeat(1_000));
  symlinkSync('/nowhere/index', `${file}-shm`);
  await expect(open(true)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'SQLite: the file cannot be opened' });
});

it('who may not write the file leaves nothing beside it that its owner could not write', async () => {
  const writer = await open(false);
  await set(writer, 'a');
  await writer.close();
  const reader = openToRead(file, false);
  expect(reader.prepare('SELECT count(*) AS n FROM key_value').get()).toEqual({ n: 1 });
  reader.close();
  expect(readdirSync(dirname(file))).toEqual(['portolan.db']);
});

it('a file of two names is neither written nor read, since each name has a log of its own', async () => {
  const writer = await open(false);
  await set(writer, 'a');
  linkSync(file, `${file}.other`);
  expect(() => openToRead(`${file}.other`)).toThrow('hard links');
  await expect(backupFile(`${file}.other`, `${file}.backup`)).rejects.toMatchObject({ code: 'CONFLICT' });
  await writer.close();
  expect(readdirSync(dirname(file)).sort()).toEqual(['portolan.db', 'portolan.db.other']);
  await expect(open(false)).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('hard links') });
  unlinkSync(`${file}.other`);
  await (await open(false)).close();
});
