import { existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { type Backend, createRuntime, type Logger, silentLogger } from '@portolan/core';
import { createManualRuntime } from '@portolan/testkit';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Engine } from '../src/engine.ts';
import { sqliteAdapter } from '../src/index.ts';
import { temporaryFile } from './process-kit.ts';

/** What another process does while this one opens the file: as its schema has been looked at. */
const meanwhile = vi.hoisted(() => ({ once: undefined as (() => void) | undefined }));
vi.mock('../src/migrations.ts', async (original) => {
  const real = await original<typeof import('../src/migrations.ts')>();
  const migrate = (database: DatabaseSync) => {
    const { once } = meanwhile;
    meanwhile.once = undefined;
    real.migrate(database);
    once?.();
  };
  return { ...real, migrate };
});

let file = '';
let logged: string[] = [];
const opened: Backend[] = [];
const logger: Logger = { ...silentLogger, error: (_, message) => void logged.push(message) };
async function open(runtime = createRuntime({ logger })): Promise<Backend> {
  const backend = await sqliteAdapter().open(`sqlite:${file}`, { namespace: 'n', runtime, deadlineMs: 5_000 });
  opened.push(backend);
  return backend;
}
const set = (backend: Backend, key: string) =>
  backend.keyValue.commit([], [{ op: 'set', key, value: '1', expiresAt: null }]);
const remove = () => {
  for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
};
const lost = { code: 'UNAVAILABLE', retryable: false, message: expect.stringContaining('removed or replaced') };

beforeEach(() => {
  file = temporaryFile();
  logged = [];
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((backend) => backend.close()));
});

it('a file that was removed is told by ping, and from then on by every call', async () => {
  const backend = await open();
  await set(backend, 'k');
  await backend.ping();
  remove();
  await expect(backend.ping()).rejects.toMatchObject(lost);
  await expect(backend.ping()).rejects.toMatchObject(lost);
  await expect(set(backend, 'k')).rejects.toMatchObject(lost);
  await expect(backend.keyValue.read(['k'], { as: 'text' })).rejects.toMatchObject(lost);
  expect(logged).toEqual(['SQLite: the file was removed or replaced while it was open']);
  expect(existsSync(file)).toBe(false);
  const next = await open();
  await set(next, 'other');
  await expect(set(backend, 'k')).rejects.toMatchObject(lost);
});

it('a file in whose place another came is told as well', async () => {
  const path = file;
  file = temporaryFile();
  await set(await open(), 'k');
  await opened.pop()?.close();
  const other = file;
  file = path;
  const backend = await open();
  remove();
  renameSync(other, file);
  await expect(backend.ping()).rejects.toMatchObject(lost);
});

it('nobody need ask: the sweeper looks at every turn', async () => {
  const runtime = createManualRuntime();
  const backend = await open(runtime);
  await set(backend, 'k');
  remove();
  await runtime.advance(2_000);
  await expect(set(backend, 'k')).rejects.toMatchObject(lost);
});

it.each([
  ['and SQLite notices', Object.assign(new Error('attempt to write a readonly database'), { errcode: 1032 })],
  ['and SQLite does not', undefined],
])('a process that opens the file as a backup is put in its place, %s, opens the backup', async (_, error) => {
  const location = { path: file, synchronous: 'normal' } as const;
  const runtime = createRuntime();
  new Engine(location, runtime, 1_000).close();
  const restored = temporaryFile();
  new Engine({ ...location, path: restored }, runtime, 1_000).close();
  const mark = new DatabaseSync(restored);
  mark.exec("INSERT INTO namespace (name) VALUES ('restored')");
  mark.close();
  meanwhile.once = () => {
    renameSync(restored, file);
    if (error) throw error;
  };
  const engine = await Engine.open(location, runtime, 1_000);
  expect(engine.sql('SELECT name FROM namespace').all()).toEqual([{ name: 'restored' }]);
  engine.close();
});
