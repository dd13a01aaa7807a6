import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import {
  type Backend,
  createQueue,
  createRuntime,
  createWorker,
  defineJob,
  handle,
  type Queue,
  type Schema,
  type Worker,
} from '@portolan/core';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answering, describeFaults, open, start } from './fault-kit.ts';
import { redisHarness, redisUrl } from './harness.ts';

const runtime = createRuntime();
const anything: Schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const job = defineJob({ name: 'ledger', queue: 'work', input: anything, output: anything });
const retention = { completed: { count: 5_000, ms: 60_000 }, failed: { count: 100, ms: 60_000 } };

let redis: Redis;
let namespace: string;
let backend: Backend;
let queue: Queue;
const stopping: (() => unknown)[] = [];

beforeAll(() => {
  redis = new Redis(redisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  namespace = `queue-${runtime.id()}`;
  backend = await redisHarness.open({ namespace, runtime });
  queue = createQueue({ port: backend.queue, runtime });
  return async () => {
    for (const stop of stopping.splice(0)) await stop();
    await backend.close();
  };
});

const key = (part: string): string => `${namespace}:queue:{work}:${part}`;

function work(on: Backend, run: (data: unknown) => unknown, onEvent?: (type: string) => void): Worker {
  const worker = createWorker({
    port: on.queue,
    runtime,
    handlers: [handle(job, run)],
    retention,
    leaseMs: 900,
    onEvent: ({ type }) => onEvent?.(type),
  });
  stopping.push(() => worker.stop({ graceMs: 0 }));
  worker.start();
  return worker;
}

/** A connection of its own to a server. */
function administer(url: string): Redis {
  const admin = new Redis(url);
  stopping.push(() => void admin.disconnect());
  return admin;
}

const until = (what: () => unknown, timeout = 15_000) => expect.poll(what, { timeout, interval: 20 });
const counts = async (of: Queue = queue) => (await of.queues())[0]?.counts;

describe('the queue in Redis', () => {
  it('keeps a body readable, under its id, and one hint at most', async () => {
    for (let n = 0; n < 3; n += 1) await queue.enqueue(job, { n });
    const [id] = await redis.lrange(key('waiting'), 0, 0);
    const body = JSON.parse((await redis.hget(key('jobs'), id ?? '')) ?? '');
    expect(body).toEqual({ name: 'ledger', attempts: 3, createdAt: expect.any(Number), data: { n: 0 } });
    expect(await redis.llen(key('wake'))).toBe(1);
    expect(await redis.zrange(`${namespace}:queue:names`, '0', '-1')).toEqual(['work']);
  });

  it('a plain waiting job costs one hash field and one list element', async () => {
    await queue.enqueueMany(job, [{ data: 1 }, { data: 2 }]);
    const keys = (await redis.keys(`${namespace}:*`)).map((one) => one.slice(namespace.length));
    const once = [':queue:names', ...['listed', 'wake'].map((part) => `:queue:{work}:${part}`)];
    expect(keys.sort()).toEqual([...once, ':queue:{work}:jobs', ':queue:{work}:waiting'].sort());
  });

  it('nothing is left of jobs that are no longer kept', async () => {
    const nothing = { count: 0, ms: 0 };
    const worker = createWorker({
      port: backend.queue,
      runtime,
      handlers: [
        handle(job, async (data, { log, progress }) => {
          log('begun');
          await progress(1);
          if (data === 0) throw new Error('broken');
        }),
      ],
      retention: { completed: nothing, failed: nothing },
    });
    worker.start();
    const list = [0, 1, 2].map((data) => ({ data, options: { dedupeKey: `k${data}`, priority: data, attempts: 1 } }));
    await queue.enqueueMany(job, list);
    await until(async () => Object.values((await counts()) ?? {}).reduce((sum, n) => sum + n)).toBe(0);
    await worker.stop();
    for (const part of [
      'jobs',
      'marks',
      'results',
      'errors',
      'progress',
      'logged',
      'dedupe',
      'ranked',
      'sessions',
      'holes',
      'failed',
    ]) {
      expect(await redis.exists(key(part)), part).toBe(0);
    }
    expect(await redis.keys(key('log:*'))).toEqual([]);
    const lasting = (await redis.keys(key('session:*'))).map((one) => redis.pttl(one));
    expect(lasting).not.toEqual([]);
    for (const ttl of await Promise.all(lasting)) expect(ttl).toBeGreaterThan(0);
  });

  it('kill -9 of a worker process: every job completes, none that had completed runs again', async () => {
    const runs = new Map<string, number>();
    const completed = new Set<string>();
    const again: string[] = [];
    const launch = (): ChildProcess => {
      const file = new URL('./queue-child.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [file, redisUrl(), namespace], { stdio: ['ignore', 'pipe', 'inherit'] });
      stopping.push(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      });
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [what, id = ''] = line.split(' ');
        if (what === 'completed') completed.add(id);
        else {
          if (completed.has(id)) again.push(id);
          runs.set(id, (runs.get(id) ?? 0) + 1);
        }
      });
      return child;
    };
    const victim = launch();
    launch();
    const list = Array.from({ length: 900 }, (_, data) => ({ data }));
    const made = await queue.enqueueMany(job, list);
    await until(() => completed.size > 100).toBe(true);
    victim.kill('SIGKILL');
    await until(async () => (await counts())?.completed).toBe(900);
    expect(await counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, failed: 0 });
    await until(() => runs.size).toBe(900);
    expect(new Set(runs.keys())).toEqual(new Set(made.map(({ id }) => id)));
    expect(again).toEqual([]);
    // Only what the victim had in flight may run twice.
    const twice = [...runs.values()].filter((times) => times > 1);
    expect(twice.length).toBeLessThanOrEqual(10);
    expect(twice.every((times) => times === 2)).toBe(true);
  }, 40_000);
});

describeFaults('Redis goes away under workers', () => {
  it('all queues of a process wait on one connection, and a wait survives its end', async () => {
    const server = await start();
    const store = await open(server.url);
    const admin = administer(server.url);
    const blocked = async (): Promise<(string | undefined)[]> => {
      const lines = String(await admin.client('LIST')).split('\n');
      return lines.filter((line) => / cmd=blpop/.test(line)).map((line) => /^id=(\d+)/.exec(line)?.[1]);
    };
    const push = (name: string) => store.queue.push(name, [{ id: '1', body: '', priority: 0, delayMs: 0 }]);
    const { signal } = new AbortController();
    const waits = ['a', 'b', 'c', 'd'].map((name) => store.queue.wait([name], signal));
    await until(async () => (await blocked()).length).toBe(1);
    await push('d');
    await waits[3];
    const [id = ''] = await blocked();
    await admin.call('CLIENT', 'KILL', 'ID', id);
    await push('a');
    await waits[0];
    const later = store.queue.wait(['e'], signal);
    await push('e');
    await later;
  });

  it('SCRIPT FLUSH and CLIENT KILL in the middle of the work lose nothing and run nothing twice', async () => {
    const server = await start();
    const store = await open(server.url);
    const admin = administer(server.url);
    const producer = createQueue({ port: store.queue, runtime });
    const runs = new Map<unknown, number>();
    work(store, (data) => runs.set(data, (runs.get(data) ?? 0) + 1).size);
    const list = Array.from({ length: 400 }, (_, data) => ({ data }));
    for (let from = 0; from < 400; from += 50) {
      await producer.enqueueMany(job, list.slice(from, from + 50));
      await admin.script('FLUSH');
      if (from % 100 === 0) await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await answering(store);
    }
    await until(async () => (await counts(producer))?.completed).toBe(400);
    expect(runs.size).toBe(400);
    expect([...runs.values()].filter((times) => times > 1)).toEqual([]);
  });

  it.each(['stop', 'kill'] as const)(
    '%s and start again: workers resume by themselves and nothing is lost',
    async (how) => {
      const server = await start({ appendOnly: true });
      const store = await open(server.url);
      const producer = createQueue({ port: store.queue, runtime });
      const runs = new Map<unknown, number>();
      const worker = work(store, async (data) => {
        runs.set(data, (runs.get(data) ?? 0) + 1);
        await runtime.sleep(2);
      });
      const acknowledged: string[] = [];
      const add = async (from: number): Promise<void> => {
        const made = await producer.enqueueMany(
          job,
          Array.from({ length: 100 }, (_, n) => ({ data: from + n })),
        );
        acknowledged.push(...made.map(({ id }) => id));
      };
      await add(0);
      await until(() => runs.size > 20).toBe(true);
      await server[how]();
      await expect(add(100)).rejects.toMatchObject({ retryable: true });
      await server.start();
      await until(() =>
        add(200).then(
          () => true,
          () => false,
        ),
      ).toBe(true);
      await until(async () => {
        const states = await Promise.all(acknowledged.map(async (id) => (await producer.get(id))?.state));
        return states.filter((state) => state !== 'completed').length;
      }).toBe(0);
      await worker.stop({ graceMs: 0 });
    },
    40_000,
  );
});
