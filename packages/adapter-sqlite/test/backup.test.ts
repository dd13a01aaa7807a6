import { copyFileSync, existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Backend, createRuntime } from '@portolan/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sqliteAdapter } from '../src/index.ts';

const adapter = sqliteAdapter();
let folder: string;
let path: string;
let file: string;
const opened: Backend[] = [];

async function open(): Promise<Backend> {
  const backend = await adapter.open(`sqlite:${path}`, { namespace: 'n', runtime: createRuntime(), deadlineMs: 5_000 });
  opened.push(backend);
  return backend;
}
const set = (backend: Backend, key: string, value = '1') =>
  backend.keyValue.commit([], [{ op: 'set', key, value, expiresAt: null }]);
const read = async (backend: Backend, key: string) =>
  (await backend.keyValue.read([key], { as: 'text' }))[0]?.value ?? null;
const restore = () => adapter.restore?.(`sqlite:${path}`, file);
const alter = (where: string, sql: string) => {
  const database = new DatabaseSync(where);
  database.exec(sql);
  database.close();
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-backup-'));
  path = join(folder, 'store.db');
  file = join(folder, 'backups', 'one.db');
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((backend) => backend.close()));
  rmSync(folder, { recursive: true, force: true });
});

it('names the file that cannot be written', async () => {
  const backend = await open();
  // SQLite needs a longer name beside it than the file system has.
  const long = join(folder, 'x'.repeat(240));
  await expect(backend.backup?.(long)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: `backup: ${long} cannot be written`,
  });
});

it('a backup made while writers write holds everything acknowledged before it, and nothing half-done', async () => {
  const backend = await open();
  const writer = await open();
  await Promise.all(Array.from({ length: 2_000 }, (_, at) => set(backend, `key:${at}`, 'x'.repeat(500))));
  const done = new AbortController();
  let pairs = 0;
  const writing = (async () => {
    for (; !done.signal.aborted; pairs++) {
      const value = String(pairs);
      await writer.keyValue.commit(
        [],
        [
          { op: 'set', key: '{p}a', value, expiresAt: null },
          { op: 'set', key: '{p}b', value, expiresAt: null },
        ],
      );
    }
  })();
  await backend.backup?.(file);
  done.abort();
  await writing;
  expect(existsSync(`${file}.unfinished`)).toBe(false);
  await set(backend, 'after', '1');
  await Promise.all(opened.splice(0).map((one) => one.close()));
  await restore();
  const restored = await open();
  expect(await read(restored, 'key:1999')).toBe('x'.repeat(500));
  expect(await read(restored, '{p}a')).toBe(await read(restored, '{p}b'));
  expect(await read(restored, 'after')).toBeNull();
});

it('a backup overwrites no file', async () => {
  const backend = await open();
  await backend.backup?.(file);
  await expect(backend.backup?.(file)).rejects.toMatchObject({ code: 'INVALID' });
});

it('a store that is open anywhere is not overwritten, and works on', async () => {
  const backend = await open();
  await set(backend, 'old');
  await backend.backup?.(file);
  await set(backend, 'new');
  await expect(restore()).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await read(backend, 'new')).toBe('1');
  await backend.close();
  await restore();
  const restored = await open();
  expect([await read(restored, 'old'), await read(restored, 'new')]).toEqual(['1', null]);
  await set(restored, 'newer');
  expect(existsSync(`${path}.restoring`)).toBe(false);
});

it('refuses what is no backup, is damaged, or is of a newer program, and leaves the store as it is', async () => {
  const backend = await open();
  await set(backend, 'kept');
  await Promise.all(Array.from({ length: 500 }, (_, at) => set(backend, `key:${at}`, 'x'.repeat(500))));
  await backend.backup?.(file);
  await backend.close();
  const good = `${file}.good`;
  copyFileSync(file, good);
  const spoil: [string, () => void][] = [
    ['missing', () => rmSync(file)],
    ['text', () => writeFileSync(file, 'no database at all, but long enough to be read as one'.repeat(100))],
    ['empty', () => writeFileSync(file, '')],
    ['cut', () => truncateSync(file, 60_000)],
    ['newer', () => alter(file, 'PRAGMA user_version = 999')],
    ['foreign', () => alter(file, 'PRAGMA application_id = 7')],
    ['in use', () => writeFileSync(`${file}-wal`, 'log')],
  ];
  for (const [what, how] of spoil) {
    copyFileSync(good, file);
    how();
    await expect(restore(), what).rejects.toMatchObject({ code: 'INVALID' });
  }
  const same = await open();
  expect(await read(same, 'kept')).toBe('1');
});

it('a store of a newer program is not overwritten; a damaged one is', async () => {
  const backend = await open();
  await set(backend, 'kept');
  await backend.backup?.(file);
  await backend.close();
  alter(path, 'PRAGMA user_version = 999');
  await expect(restore()).rejects.toMatchObject({ code: 'INVALID' });
  writeFileSync(path, 'damaged '.repeat(10_000));
  writeFileSync(`${path}-wal`, 'a log of the damaged file');
  await restore();
  expect(await read(await open(), 'kept')).toBe('1');
});
