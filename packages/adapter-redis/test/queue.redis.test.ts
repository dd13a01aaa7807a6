import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Backend, createQueue, createWorker, handle, type Queue } from '@portolan/core';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisHarness, redisUrl } from './harness.ts';
import { countsOf, job, retention, runtime, stopping, until } from './queue-kit.ts';

let redis: Redis;
let namespace: string;
let backend: Backend;
let queue: Queue;

beforeAll(() => {
  redis = new Redis(redisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  namespace = `queue-${runtime.id()}`;
  backend = await redisHarness.open({ namespace, runtime });
  queue = createQueue({ port: backend.queue, runtime });
  return async () => {
    await backend.close();
  };
});

const key = (part: string): string => `${namespace}:queue:{work}:${part}`;

const counts = () => countsOf(queue);

describe('the queue in Redis', () => {
  it('keeps a body readable, under its id, and one hint at most', async () => {
    for (let n = 0; n < 3; n += 1) await queue.enqueue(job, { n });
    const [id] = await redis.lrange(key('waiting'), 0, 0);
    const body = JSON.parse((await redis.hget(key('jobs'), id ?? '')) ?? '');
    expect(body).toEqual({ name: 'ledger', createdAt: expect.any(Number), data: { n: 0 } });
    expect(await redis.llen(key('wake'))).toBe(1);
    expect(await redis.zrange(`${namespace}:queue:names`, '0', '-1')).toEqual(['work']);
  });

  it('who waits in the pushing process is woken without a word of Redis, also where its claim comes before the push', async () => {
    const { signal } = new AbortController();
    const claim = (nonce: string) =>
      backend.queue.exchange('work', { session: 's', nonce, leaseMs: 5_000, settled: [], claim: 5, retention });
    await queue.enqueue(job, 1);
    await claim('1');
    await redis.del(key('wake'));
    const woken = backend.queue.wait(['work'], signal);
    await queue.enqueue(job, 2);
    await woken;
    expect(await redis.llen(key('wake'))).toBe(0);
    expect((await claim('2')).jobs).toHaveLength(1);

    await redis.script('FLUSH');
    await claim('3');
    const early = backend.queue.wait(['work'], signal).then(() => claim('4'));
    const pushed = queue.enqueue(job, 3);
    const late = early.then(() => backend.queue.wait(['work'], signal)).then(() => claim('5'));
    expect((await early).jobs.length).toBe(0);
    await pushed;
    expect((await late).jobs).toHaveLength(1);
  });

  it('a claim answers no more than 4 MiB of bodies, and the rest waits in its place', async () => {
    const port = backend.queue;
    const body = JSON.stringify('x'.repeat(1_000_000));
    const claim = async (nonce: string) => {
      const request = { session: 's', nonce, leaseMs: 60_000, settled: [], claim: 20, retention };
      const { jobs, dueInMs } = await port.exchange('work', request);
      return [jobs.map(({ id }) => id).join(''), dueInMs];
    };
    const push = (from: string, changes: object) =>
      port.push(
        'work',
        [...from].map((id) => ({ id, body, priority: 0, delayMs: 0, ...changes })),
      );
    await push('abcdef', {});
    expect([await claim('1'), await claim('2')]).toEqual([
      ['abcd', 0],
      ['ef', null],
    ]);
    // The same with all that stands in the way of a plain claim.
    await push('ghi', {});
    await push('jkl', { priority: 1 });
    expect([await claim('3'), await claim('4')]).toEqual([
      ['jklg', 0],
      ['hi', null],
    ]);
    await port.amend('work', { do: 'limit', limits: { group: { concurrency: 5 } } });
    await push('mnopqrs', { group: 'g' });
    expect([await claim('5'), await claim('6'), await claim('7')]).toEqual([
      ['mnop', 0],
      ['q', null],
      ['', null],
    ]);
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
