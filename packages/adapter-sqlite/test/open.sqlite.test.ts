import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createRuntime, openBackend, PortolanError } from '@portolan/core';
import { beforeEach, expect, it } from 'vitest';
import { sqliteAdapter } from '../src/index.ts';
import { parseLocation } from '../src/location.ts';
import { startPeer, temporaryFile } from './process-kit.ts';

let file = '';
beforeEach(() => {
  file = temporaryFile();
});

const runtime = createRuntime();
const open = (url = `sqlite:${file}`, readOnly = false) =>
  openBackend(url, { adapters: [sqliteAdapter()], runtime, namespace: 'n', deadlineMs: 2_000, readOnly });
const pragma = (name: string) => {
  const database = new DatabaseSync(file);
  const row = database.prepare(`PRAGMA ${name}`).get();
  database.close();
  return Object.values(row ?? {})[0];
};
/** The error, whose message must not name the path. */
async function refusal(url?: string, readOnly = false): Promise<PortolanError> {
  const error = await open(url, readOnly).then(
    () => undefined,
    (one: unknown) => one,
  );
  if (!PortolanError.is(error)) throw new Error(`no refusal but ${String(error)}`);
  expect(error.message).not.toContain(dirname(file));
  return error;
}

it('makes the folder and the file, keeps what was written, and says what it is', async () => {
  file = join(dirname(file), 'deep', 'er', 'portolan.db');
  const first = await open();
  expect(first.capabilities).toEqual({ name: 'sqlite', shared: true, durable: true });
  await first.keyValue.commit([], [{ op: 'set', key: 'k', value: 'v', expiresAt: null }]);
  await first.close();
  await first.close();
  expect(readdirSync(dirname(file))).toEqual(['portolan.db']);
  const second = await open();
  expect(await second.keyValue.read(['k'], { as: 'text' })).toEqual([{ value: 'v' }]);
  await second.close();
  expect([pragma('journal_mode'), pragma('auto_vacuum'), pragma('user_version')]).toEqual(['wal', 2, 1]);
});

it('opens an empty file as a new one', async () => {
  writeFileSync(file, '');
  await (await open()).close();
  expect(pragma('user_version')).toBe(1);
});

it('synchronous is normal unless the URL says full', async () => {
  for (const [query, level] of [
    ['', 1],
    ['?synchronous=normal', 1],
    ['?synchronous=full', 2],
  ] as const) {
    const { openDatabase } = await import('../src/database.ts');
    const database = openDatabase(parseLocation(`sqlite:${file}${query}`));
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: level });
    database.close();
  }
});

it('a file of a newer program is refused politely and left as it is', async () => {
  await (await open()).close();
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 99');
  database.close();
  const before = readFileSync(file);
  const error = await refusal();
  expect(error.code).toBe('INVALID');
  expect(error.message).toContain('schema 99');
  expect(error.message).toContain('use a newer Portolan');
  expect(readFileSync(file).equals(before)).toBe(true);
});

it('a file of another application is refused and left as it is, its journal mode too', async () => {
  for (const [at, statement] of [
    'CREATE TABLE mine (a)',
    'PRAGMA user_version = 1',
    'PRAGMA application_id = 7',
    'CREATE TABLE mine (a); PRAGMA user_version = 1; PRAGMA application_id = 7',
  ].entries()) {
    file = join(dirname(file), `other${at}.db`);
    const database = new DatabaseSync(file);
    database.exec(statement);
    database.close();
    const before = readFileSync(file);
    const error = await refusal();
    expect([statement, error.code, error.message]).toEqual([
      statement,
      'INVALID',
      'backend URL: the SQLite file belongs to another application',
    ]);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(existsSync(`${file}-wal`)).toBe(false);
  }
});

it('what is no SQLite file, or in a place where none can be, is UNAVAILABLE for good, a folder is INVALID', async () => {
  writeFileSync(file, 'this is a letter and no database\n'.repeat(100));
  const before = readFileSync(file);
  expect(await refusal()).toMatchObject({ code: 'UNAVAILABLE', retryable: false });
  expect(readFileSync(file).equals(before)).toBe(true);
  const folder = join(dirname(file), 'folder');
  mkdirSync(folder);
  for (const one of [await refusal(`sqlite:${folder}`), await refusal(`sqlite:${folder}`, true)]) {
    expect(one).toMatchObject({ code: 'INVALID', message: expect.stringContaining('"folder" is a folder') });
  }
  expect(await refusal(`sqlite:${file}/below/it.db`)).toMatchObject({ code: 'UNAVAILABLE', retryable: false });
});

it('a file that is damaged is told as such', async () => {
  const backend = await open();
  for (let at = 0; at < 50; at++) {
    await backend.keyValue.commit([], [{ op: 'set', key: `k${at}`, value: 'x'.repeat(2_000), expiresAt: null }]);
  }
  await backend.close();
  const bytes = readFileSync(file);
  bytes.fill(0xff, 4_096);
  writeFileSync(file, bytes);
  expect(await refusal()).toMatchObject({ code: 'UNAVAILABLE', message: 'SQLite: the file is damaged' });
});

it('many processes that open a new file at one moment all get it, with one schema', async () => {
  for (let round = 0; round < 3; round++) {
    file = temporaryFile();
    const moment = Date.now() + 700;
    const names = ['a', 'b', 'c', 'd'];
    const peers = names.map((name) => startPeer('./open-peer.ts', [file, name, `${moment}`]));
    expect(await Promise.all(peers.map((peer) => peer.ended))).toEqual([0, 0, 0, 0]);
    const backend = await open();
    const { items } = await backend.keyValue.scan({ match: '*', cursor: null, limit: 10 });
    expect(items.map((one) => one.key)).toEqual(names);
    await backend.close();
    expect([pragma('auto_vacuum'), pragma('user_version'), pragma('integrity_check')]).toEqual([2, 1, 'ok']);
  }
}, 60_000);

it('many connections of one process open a new file at one moment', async () => {
  const backends = await Promise.all(Array.from({ length: 10 }, () => open()));
  await Promise.all(
    backends.map(({ keyValue }, at) =>
      keyValue.commit([], [{ op: 'set', key: `k${at}`, value: '1', expiresAt: null }]),
    ),
  );
  const page = await backends[0]?.keyValue.scan({ match: '*', cursor: null, limit: 100 });
  expect(page?.items).toHaveLength(10);
  await Promise.all(backends.map((backend) => backend.close()));
});

it('reads the path of a URL', () => {
  const paths: Record<string, string> = {
    'sqlite:a.db': resolve('a.db'),
    'SQLite:.data/portolan.db': resolve('.data/portolan.db'),
    'sqlite:/nowhere/lib/a.db': '/nowhere/lib/a.db',
    'sqlite:///nowhere/lib/a.db': '/nowhere/lib/a.db',
    'sqlite:my%20data/50%25%3F.db': resolve('my data/50%?.db'),
    'sqlite:a#b.db': resolve('a#b.db'),
    'sqlite:file:x.db': resolve('file:x.db'),
    'sqlite:~/a.db': resolve('~/a.db'),
  };
  for (const [url, path] of Object.entries(paths)) {
    expect([url, parseLocation(url)]).toEqual([url, { path, synchronous: 'normal' }]);
  }
  expect(parseLocation('sqlite:a.db?synchronous=full').synchronous).toBe('full');
});

it('refuses a URL that cannot be meant, saying what was wrong', () => {
  const bad: Record<string, string> = {
    'sqlite:': 'needs the name of a file',
    'sqlite:?synchronous=full': 'needs the name of a file',
    'sqlite:data/': 'needs the name of a file',
    'sqlite:a%00b': 'needs the name of a file',
    'sqlite::memory:': 'memory: is the store without one',
    'sqlite://portolan.db': 'would be a host',
    'sqlite://host/portolan.db': 'would be a host',
    'sqlite:a%zz.db': 'a percent sign in the path is written %25',
    'sqlite:a.db?mode=ro': 'knows no parameter mode',
    'sqlite:a.db?synchronous=off': 'synchronous is normal or full',
    'sqlite:a.db?synchronous=full&synchronous=normal': 'synchronous is normal or full',
  };
  for (const [url, words] of Object.entries(bad)) {
    let error: unknown;
    try {
      parseLocation(url);
    } catch (one) {
      error = one;
    }
    expect([url, PortolanError.is(error, 'INVALID') && error.message]).toEqual([url, expect.stringContaining(words)]);
  }
});

it('refuses a file that may not be written', async () => {
  await (await open()).close();
  const { chmodSync } = await import('node:fs');
  chmodSync(file, 0o444);
  chmodSync(dirname(file), 0o555);
  const error = await open()
    .then((backend) => backend.keyValue.commit([], [{ op: 'set', key: 'k', value: '1', expiresAt: null }]))
    .catch((one: unknown) => one);
  chmodSync(dirname(file), 0o755);
  // The superuser may write anything.
  if (process.getuid?.() === 0) expect(statSync(file).mode & 0o777).toBe(0o444);
  else expect(PortolanError.is(error, 'UNAVAILABLE')).toBe(true);
});
