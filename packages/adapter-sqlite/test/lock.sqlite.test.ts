import { DatabaseSync } from 'node:sqlite';
import { type Backend, createRuntime } from '@portolan/core';
import { createManualRuntime } from '@portolan/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sqliteAdapter } from '../src/index.ts';
import { type Peer, startPeer, temporaryFile } from './process-kit.ts';

const runtime = createRuntime();
let file = '';
let peer: Peer | undefined;
let opened: Backend[] = [];

async function open(deadlineMs: number, parts: { namespace?: string; runtime?: typeof runtime } = {}) {
  const backend = await sqliteAdapter().open(`sqlite:${file}`, { namespace: 'n', runtime, deadlineMs, ...parts });
  opened.push(backend);
  return backend;
}
async function holdLock(ms: number): Promise<Peer> {
  peer = startPeer('./lock-peer.ts', [file, `${ms}`]);
  expect(await peer.ready).toBe('held');
  return peer;
}
const set = (backend: Backend, key: string) =>
  backend.keyValue.commit([], [{ op: 'set', key, value: key, expiresAt: null }]);
const locked = { code: 'UNAVAILABLE', retryable: true, message: 'SQLite: other processes hold the file' };

beforeEach(() => {
  file = temporaryFile();
});
afterEach(async () => {
  await Promise.all(opened.map((backend) => backend.close()));
  opened = [];
  peer?.process.kill('SIGKILL');
  await peer?.ended;
  peer = undefined;
});

it('writes wait for a lock that another process holds, while reads and the event loop go on', async () => {
  const backend = await open(10_000);
  await set(backend, 'before');
  const holder = await holdLock(400);
  let waiting = true;
  const writes = Promise.all(Array.from({ length: 50 }, (_, at) => set(backend, `k${at}`))).finally(() => {
    waiting = false;
  });
  let reads = 0;
  while (waiting) {
    expect(await backend.keyValue.read(['before'], { as: 'text' })).toEqual([{ value: 'before' }]);
    if (waiting) reads++;
    await runtime.sleep(5);
  }
  expect((await writes).every((one) => one.ok)).toBe(true);
  // A process that were blocked would come to none, or to one.
  expect(reads).toBeGreaterThan(5);
  await holder.ended;
});

it('past its deadline a write is UNAVAILABLE; it has changed nothing, and the next goes through', async () => {
  const backend = await open(150);
  await holdLock(60_000);
  const started = performance.now();
  const early = set(backend, 'early');
  const late = runtime.sleep(100).then(() => set(backend, 'late'));
  await expect(early).rejects.toMatchObject(locked);
  const waited = performance.now() - started;
  await expect(late).rejects.toMatchObject(locked);
  expect(waited).toBeGreaterThanOrEqual(150);
  expect(performance.now() - started).toBeGreaterThanOrEqual(250);
  peer?.process.kill('SIGKILL');
  await peer?.ended;
  await set(backend, 'after');
  const { items } = await backend.keyValue.scan({ match: '*', cursor: null, limit: 10 });
  expect(items.map((one) => one.key)).toEqual(['after']);
});

it('waits for a lock in real time, whatever the clock of the store says', async () => {
  const manual = createManualRuntime();
  const backend = await open(10_000, { runtime: manual });
  await holdLock(150);
  expect(await set(backend, 'k')).toEqual({ ok: true, counts: [1] });
});

it('opens a file and a known namespace, and answers, while another process holds the lock', async () => {
  await set(await open(5_000), 'k');
  await holdLock(60_000);
  const second = await open(300);
  await second.ping();
  expect(await second.keyValue.read(['k'], { as: 'text' })).toEqual([{ value: 'k' }]);
});

it('a namespace that is new waits for the lock, and is UNAVAILABLE when it does not get it', async () => {
  await open(5_000);
  const holder = await holdLock(300);
  await expect(open(50, { namespace: 'new' })).rejects.toMatchObject(locked);
  await set(await open(10_000, { namespace: 'new' }), 'k');
  await holder.ended;
});

it('a new file is opened once another process lets go of it', async () => {
  const holder = await holdLock(200);
  await set(await open(10_000), 'k');
  await holder.ended;
});

it('a close while a write waits ends it with UNAVAILABLE', async () => {
  const backend = await open(10_000);
  await holdLock(60_000);
  const waiting = expect(set(backend, 'k')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
  await runtime.sleep(50);
  await backend.close();
  await waiting;
});

it('a reader that stays in an old state holds up no writer', async () => {
  const backend = await open(1_000);
  await set(backend, 'a');
  const reader = new DatabaseSync(file);
  reader.exec('BEGIN');
  const count = () => reader.prepare('SELECT count(*) AS n FROM key_value').get()?.n;
  expect(count()).toBe(1);
  await set(backend, 'b');
  expect(count()).toBe(1);
  reader.exec('COMMIT');
  expect(count()).toBe(2);
  reader.close();
});
