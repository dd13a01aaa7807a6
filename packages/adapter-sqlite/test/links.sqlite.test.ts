import type * as fs from 'node:fs';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Backend, createRuntime } from '@portolan/core';
import { beforeEach, expect, it, vi } from 'vitest';
import { Engine } from '../src/engine.ts';
import { sqliteAdapter } from '../src/index.ts';
import { parseLocation } from '../src/location.ts';
import { Signals } from '../src/signals.ts';
import { temporaryFile } from './process-kit.ts';

/** What is watched. */
const watched = vi.hoisted(() => [] as string[]);
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const watch = (...args: Parameters<typeof real.watch>) => {
    const watcher = real.watch(...args);
    watched.push(String(args[0]));
    return watcher;
  };
  return { ...real, watch };
});

const adapter = sqliteAdapter();
const runtime = createRuntime();
/** The file, and a link to it from another folder. */
let file = '';
let link = '';
beforeEach(() => {
  watched.length = 0;
  file = realpathSync(dirname(temporaryFile()));
  file = join(file, 'portolan.db');
  link = join(dirname(file), 'links', 'link.db');
  mkdirSync(dirname(link));
  symlinkSync('../portolan.db', link);
});
const open = (readOnly = false): Promise<Backend> =>
  adapter.open(`sqlite:${link}`, { namespace: 'n', runtime, deadlineMs: 1_000, readOnly });
const set = (backend: Backend, value: string) =>
  backend.keyValue.commit([], [{ op: 'set', key: 'k', value, expiresAt: null }]);
const read = async (backend: Backend) => (await backend.keyValue.read(['k'], { as: 'text' }))[0]?.value;

it('one engine behind a link is woken by the file, and cuts its log off', async () => {
  const engine = new Engine(parseLocation(`sqlite:${link}`), runtime, 1_000);
  const signals = new Signals(engine, 1);
  signals.listen('c', () => {});
  expect(watched).toEqual([`${file}-wal`]);
  signals.stop();
  const add = (id: number) =>
    engine.write(
      () => void engine.sql('INSERT INTO namespace (id, name) VALUES (?, ?)').run(id, `${id}${'x'.repeat(200_000)}`),
    );
  for (let id = 100; id < 110; id++) await add(id);
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(1_000_000);
  expect(await engine.trimLog(100_000)).toBe(true);
  expect(statSync(`${file}-wal`).size).toBeLessThan(100_000);
  engine.close();
});

it('a backup is put in the place of what the link leads to, and the link stays', async () => {
  const backend = await open();
  await set(backend, 'old');
  const kept = join(dirname(file), 'backup.db');
  await backend.backup?.(kept);
  await set(backend, 'new');
  await backend.close();
  await adapter.restore?.(`sqlite:${link}`, kept);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(lstatSync(file).isSymbolicLink()).toBe(false);
  const restored = await open();
  expect(await read(restored)).toBe('old');
  await restored.close();
});

it('no file in use is taken for a backup because a link leads to it', async () => {
  const backend = await open();
  await set(backend, 'in the log');
  const other = join(dirname(file), 'other.db');
  await expect(adapter.restore?.(`sqlite:${other}`, link)).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining('file in use'),
  });
  await backend.close();
});

it('what is only looked at through a link is read with its log, or not at all', async () => {
  const backend = await open();
  await set(backend, '1');
  const reader = await open(true);
  expect(await read(reader)).toBe('1');
  await reader.close();
  await backend.close();
  // A log that cannot be read: the file alone is not the whole truth.
  writeFileSync(`${file}-wal`, 'log'.repeat(1_000));
  symlinkSync('/nowhere/index', `${file}-shm`);
  await expect(open(true)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

it('a file is made where a link leads, its folders too', async () => {
  const target = join(dirname(file), 'not', 'yet', 'there.db');
  const chain = join(dirname(file), 'chain.db');
  link = join(dirname(file), 'begin.db');
  symlinkSync('chain.db', link);
  symlinkSync('not/yet/there.db', chain);
  expect(parseLocation(`sqlite:${link}`).path).toBe(target);
  await (await open()).close();
  expect(existsSync(target)).toBe(true);
  expect(readFileSync(target).subarray(0, 15).toString()).toBe('SQLite format 3');
});

it('a folder may be a link as well, and a ring of links is no file', async () => {
  const folder = join(dirname(file), 'data');
  mkdirSync(join(dirname(file), 'real'));
  symlinkSync('real', folder);
  expect(parseLocation(`sqlite:${folder}/deeper/x.db`).path).toBe(join(dirname(file), 'real', 'deeper', 'x.db'));
  link = join(dirname(file), 'ring.db');
  symlinkSync('ring.db', link);
  await expect(open()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
});
