import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  type Backend,
  createQueue,
  createRuntime,
  defineJob,
  openBackend,
  type Queue,
  type Schema,
} from '@portolan/core';
import { isCi } from '@portolan/testkit/choose-redis';
import { hasRedisServer, type PrivateRedis, startPrivateRedis } from '@portolan/testkit/redis-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { knownAdapters } from '../src/adapters.ts';
import { openLeaseKeeper } from '../src/index.ts';

const SECRET = 'hunter2-hunter2';
const LEASE_MS = 1_500;
const RETENTION = { completed: { count: 100, ms: 600_000 }, failed: { count: 100, ms: 600_000 } };
const POLICY = {
  maxStalls: 100,
  error: '{"code":"INTERNAL","message":"stalled"}',
  retention: RETENTION,
  idleMs: 600_000,
};
const anything: Schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const job = defineJob({ name: 'block', queue: 'work', input: anything, output: anything });
const runtime = createRuntime();
const possible = isCi(process.env) || (await hasRedisServer());

let folder: string;
let redis: PrivateRedis | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-keeper-'));
  if (possible) redis = await startPrivateRedis({ password: SECRET });
});
afterAll(async () => {
  await redis?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Peer {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Waits for a line that begins so; the n-th one. */
  line(begin: string, count?: number): Promise<string>;
}

function startWorker(...args: readonly string[]): Peer {
  const program = fileURLToPath(new URL('./blocking-worker.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args]);
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => void lines.push(line));
  createInterface(child.stderr).on('line', (line) => void lines.push(line));
  const output = () => lines.join('\n');
  return {
    child,
    output,
    async line(begin, count = 1) {
      const found = () => lines.filter((line) => line.startsWith(begin))[count - 1];
      await expect.poll(found, { timeout: 30_000, interval: 10, message: output() }).toBeDefined();
      return String(found());
    },
  };
}

describe.each([
  ['sqlite', () => `sqlite:${join(folder, 'portolan.db')}`],
  ['redis', () => redis?.url ?? ''],
] as const)('a worker that is blocked by its handler, on %s', (store, urlOf) => {
  let backend: Backend;
  let queue: Queue;
  let worker: Peer | undefined;
  let namespace: string;
  let gate: string;
  const open = () => writeFileSync(gate, '');

  beforeEach(async (context) => {
    if (store === 'redis' && !possible) context.skip('needs redis-server on the PATH');
    namespace = `test-${runtime.id()}`;
    gate = join(folder, `${namespace}-gate`);
    backend = await openBackend(urlOf(), { namespace, runtime, adapters: knownAdapters() });
    queue = createQueue({ port: backend.queue, runtime });
  });
  afterEach(async () => {
    const child = worker?.child;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    worker = undefined;
    await backend?.close();
  });

  async function start(maxBlockMs: number): Promise<Peer> {
    worker = startWorker(urlOf(), namespace, String(LEASE_MS), String(maxBlockMs));
    await worker.line('ready');
    return worker;
  }

  const sweep = async (name: string) => (await backend.queue.sweep(name, POLICY)).recovered;

  /** Resolves once a lease that was granted at the call, and is not renewed, has ended. It takes longer than that for one to end which is. */
  async function leaseEnds(): Promise<void> {
    const id = runtime.id();
    await backend.queue.push('clock', [{ id, body: '{}', priority: 0, delayMs: 0 }]);
    const request = { session: id, nonce: '1', leaseMs: LEASE_MS, settled: [], claim: 1, retention: RETENTION };
    await backend.queue.exchange('clock', request);
    await expect.poll(() => sweep('clock'), { timeout: 30_000, interval: 20 }).toEqual([id]);
    await backend.queue.amend('clock', { do: 'remove', id });
  }

  it('keeps its job for much longer than the lease, and completes it', { timeout: 60_000 }, async () => {
    const { line, output, child } = await start(60_000);
    const { id } = await queue.enqueue(job, gate);
    await line('blocked');
    for (let lease = 0; lease < 3; lease += 1) {
      await leaseEnds();
      expect(await sweep('work')).toEqual([]);
    }
    open();
    await line(`completed ${id}`);
    expect(await queue.get(id)).toMatchObject({ state: 'completed', attempts: 1, result: 'mine' });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(output()).toMatch(/A handler blocks its worker: leases are renewed from beside it/);
    expect(output().match(/^blocked/gm)).toHaveLength(1);
    expect(output()).not.toContain(SECRET);
  });

  it('loses its job when it is blocked for too long: it runs elsewhere, and the late end is refused', {
    timeout: 60_000,
  }, async () => {
    const { line, output } = await start(2 * LEASE_MS);
    const { id } = await queue.enqueue(job, gate);
    const local = id.slice('work:'.length);
    await line('blocked');
    await leaseEnds();
    expect(await sweep('work')).toEqual([]);
    await expect.poll(() => sweep('work'), { timeout: 30_000, interval: 20 }).toEqual([local]);
    const elsewhere = { session: 'elsewhere', leaseMs: 60_000, retention: RETENTION };
    const taken = await backend.queue.exchange('work', { ...elsewhere, nonce: '1', settled: [], claim: 1 });
    expect(taken.jobs).toMatchObject([{ id: local, attempt: 2, stalls: 1 }]);
    const settled = [{ id: local, outcome: 'completed', result: '"theirs"' }] as const;
    await backend.queue.exchange('work', { ...elsewhere, nonce: '2', settled, claim: 0 });
    open();
    await line(`lost ${id}`);
    expect(await queue.get(id)).toMatchObject({ state: 'completed', attempts: 2, result: 'theirs' });
    // It goes on, and is kept again when it is blocked again.
    const next = await queue.enqueue(job, gate);
    await line(`completed ${next.id}`);
    expect(output()).toMatch(/A handler blocks its worker for too long: its leases are left to end/);
    expect(output()).not.toContain(`completed ${id}`);
  });
});

it('a lease keeper is refused for a store in memory, whose leases end only by this thread', () => {
  expect(() => openLeaseKeeper({ url: 'memory:', namespace: 'a', runtime })).toThrow(/memory:/);
});
