import type * as fs from 'node:fs';
import { chmodSync, chownSync, linkSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { adapter, alter, at, open, restore } from './backup-kit.ts';

/** Renames, and the files that were forced to the disk, in their order. */
const done = vi.hoisted(() => [] as string[]);
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const fsyncSync = (descriptor: number) => {
    done.push(`forced ${real.fstatSync(descriptor).ino}`);
    real.fsyncSync(descriptor);
  };
  const renameSync = (from: string, to: string) => {
    real.renameSync(from, to);
    done.push('renamed');
  };
  return { ...real, fsyncSync, renameSync };
});
beforeEach(() => {
  done.length = 0;
});

it('names the file that cannot be written', async () => {
  const backend = await open();
  // SQLite needs a longer name beside it than the file system has.
  const long = join(at.folder, 'x'.repeat(240));
  await expect(backend.backup?.(long)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: `backup: ${long} cannot be written`,
  });
});

it('a backup overwrites no file', async () => {
  const backend = await open();
  await backend.backup?.(at.file);
  await expect(backend.backup?.(at.file)).rejects.toMatchObject({ code: 'INVALID' });
});

it('a backup is for whom the store was for, and a restored store for whom the one before it was', async () => {
  const backend = await open();
  const modeOf = (name: string) => statSync(name).mode & 0o777;
  for (const mode of [0o600, 0o640, 0o644]) {
    chmodSync(at.path, mode);
    const name = `${at.file}-${mode}`;
    await backend.backup?.(name);
    expect(modeOf(name)).toBe(mode);
  }
  await backend.close();
  chmodSync(at.path, 0o660);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(at.path, 1234, 2345);
  await restore(`${at.file}-${0o644}`);
  expect(modeOf(at.path)).toBe(0o660);
  if (isRoot) expect(statSync(at.path)).toMatchObject({ uid: 1234, gid: 2345 });
  rmSync(at.path);
  await restore(`${at.file}-${0o644}`);
  expect(modeOf(at.path)).toBe(0o600);
});

it('names what is at fault when a backup is of another program', async () => {
  const backend = await open();
  await backend.backup?.(at.file);
  await backend.close();
  alter(at.file, 'PRAGMA user_version = 999');
  await expect(restore()).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringMatching(`^restore: ${at.file} has schema 999, .*use a newer Portolan$`),
  });
  alter(at.file, 'PRAGMA application_id = 7');
  await expect(restore()).rejects.toMatchObject({ message: `restore: ${at.file} belongs to another application` });
});

it('needs a name', async () => {
  const backend = await open();
  const unnamed = { code: 'INVALID', message: expect.stringContaining('needs the name of a file') };
  await expect(backend.backup?.('')).rejects.toMatchObject(unnamed);
  await expect(adapter.restore?.(`sqlite:${at.path}`, '')).rejects.toMatchObject(unnamed);
  mkdirSync(at.file, { recursive: true });
  await expect(adapter.restore?.(`sqlite:${at.file}`, at.path)).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining('"one.db" is a folder'),
  });
});

it('knows a file by any of its names', async () => {
  const other = join(at.folder, 'other.db');
  const identify = () => [adapter.identify?.(`sqlite:${at.path}`), adapter.identify?.(`sqlite:${other}`)];
  expect(new Set(identify()).size).toBe(2);
  await open();
  linkSync(at.path, other);
  expect(new Set(identify()).size).toBe(1);
});

it('the new file is on the disk before it has the name, and the name before this returns', async () => {
  const forced = (name: string) => `forced ${statSync(name).ino}`;
  const backend = await open();
  await backend.backup?.(at.file);
  expect(done.splice(0)).toEqual([forced(at.file), 'renamed', forced(dirname(at.file))]);
  await backend.close();
  await restore();
  expect(done).toEqual([forced(at.path), 'renamed', forced(dirname(at.path))]);
});
