import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@portolan/api/client';
import { type PrivateRedis, startPrivateRedis } from '@portolan/testkit/redis-server';
import { afterEach, expect, it } from 'vitest';
import {
  type Answer,
  call,
  completed,
  describeWithRedis,
  eventually,
  type Fleet,
  jobIds,
  type Load,
  load,
  logged,
  type Report,
  repeated,
  startFleet,
} from './faults.ts';
import { startProcess } from './processes.ts';
import { type Heard, hearEvents, hearSubscription } from './subscribers.ts';

/** A call's deadline is 2 s; the rest is for a machine that does much else. */
const DEADLINE_MS = 5_000;

/** Answers while Redis is away: the connection is refused or was cut (503), or stays silent (504). */
const AWAY = [503, 504];

interface Failure {
  readonly code: string;
  readonly message: string;
}

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function startRedis(): Promise<PrivateRedis> {
  const redis = await startPrivateRedis({ appendOnly: true, args: ['--appendfsync', 'always'] });
  endings.push(() => redis.close());
  return redis;
}

async function fleetOn(redis: PrivateRedis, workers: number): Promise<Fleet> {
  const fleet = await startFleet(redis, workers);
  endings.push(() => fleet.kill());
  return fleet;
}

const expectAway = ({ status, body, ms }: Answer): void => {
  expect(AWAY).toContain(status);
  expect(['UNAVAILABLE', 'TIMEOUT']).toContain((body as Failure).code);
  expect(ms).toBeLessThan(DEADLINE_MS);
};

/** Clients that write a key and read it back, whatever the answers. */
const readersAndWriters = (url: string): Load =>
  load(4, async (client, round) => {
    const key = `/api/keys/outage-${client}`;
    const put = await call(url, key, 'PUT', { value: round });
    if (put.status !== 200) return put;
    const got = await call<{ value: number }>(url, key);
    // Written and acknowledged is what must be read, before, amid and after the outage.
    if (got.status === 200 && got.body.value !== round) throw new Error(`wrote ${round}, read ${got.body.value}`);
    return got;
  });

const untilReady = (url: string) =>
  eventually('readiness', async () => ((await call(url, '/readyz')).status === 200 ? true : undefined));

describeWithRedis('Redis that restarts', () => {
  it('is outlived by requests, jobs, subscribers and commands', { timeout: 90_000 }, async () => {
    const redis = await startRedis();
    const { server, workers, all } = await fleetOn(redis, 2);
    const { url } = server;
    const heard: Heard[] = [await hearEvents(url, 'news'), await hearSubscription(createClient({ url }), 'news')];
    for (const one of heard) endings.push(async () => one.stop());

    const requests = readersAndWriters(url);
    const published: { id: string; data: number }[] = [];
    let sent = 0;
    const publishers = load(1, async () => {
      const data = ++sent;
      const answer = await call<{ id: string }>(url, '/api/topics/news/messages', 'POST', { data });
      if (answer.status === 200) published.push({ id: answer.body.id, data });
      return answer;
    });
    const pushed: string[] = [];
    const producers = load(2, async () => {
      const answer = await call<{ jobId: string }>(url, '/api/queues/default/jobs', 'POST', {
        name: 'count',
        data: { steps: 2, stepMs: 10 },
      });
      if (answer.status === 202) pushed.push(answer.body.jobId);
      return answer;
    });
    const loads = [requests, publishers, producers];
    const some = (of: { length: number }) => {
      const from = of.length;
      return eventually('progress', () => of.length >= from + 20 || undefined);
    };
    const work = {
      get length() {
        return workers.reduce((sum, worker) => sum + jobIds(worker, 'job completed').length, 0);
      },
    };
    const progress = () =>
      Promise.all([requests.answers, published, pushed, work, ...heard.map((one) => one.messages)].map(some));

    // A short one, and one that outlasts the leases of workers and the membership of instances.
    for (const [end, outageMs] of [
      [redis.stop, 500],
      [redis.kill, 7_000],
    ] as const) {
      await progress();
      const from = loads.map(({ answers }) => answers.length);
      await end();
      for (const until = performance.now() + outageMs; performance.now() < until; await delay(100)) {
        const ready = await call<{ status: string; reason: string }>(url, '/readyz');
        expect(ready).toMatchObject({
          status: 503,
          body: { status: 'unavailable', reason: expect.stringMatching(/Redis/) },
        });
        expectAway(await call(url, '/api/keys/any'));
        expectAway(await call(url, '/api/commands', 'POST', { name: 'ping' }));
        expect((await call(url, '/healthz')).status).toBe(200);
      }
      await redis.start();
      await untilReady(url);
      loads.forEach(({ answers }, at) => {
        const meanwhile = answers.slice(from[at]).filter(({ status }) => status >= 300);
        expect(meanwhile.length).toBeGreaterThan(0);
        meanwhile.forEach(expectAway);
      });
    }
    await progress();
    await Promise.all(loads.map((one) => one.stop()));
    expect(loads.flatMap(({ errors }) => errors)).toEqual([]);

    // Every message that was acknowledged, in order and once; others too, whose acknowledgement the outage took.
    const last = published.at(-1)?.data;
    for (const { messages, failures } of heard) {
      await eventually('the last message', () => messages.some(({ data }) => data === last) || undefined);
      expect(failures).toEqual([]);
      expect(messages.filter(({ gap }) => gap)).toEqual([]);
      const numbers = messages.map(({ data }) => Number(data));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(repeated(numbers.map(String))).toEqual([]);
      const ids = new Set(messages.map(({ id }) => id));
      const first = messages[0]?.data;
      expect(published.filter(({ id }) => !ids.has(id)).map(({ data }) => data)).toEqual([]);
      expect(first).toBe(1);
    }

    // Every job that was acknowledged is completed, by the workers that were there all the time.
    for (const id of pushed.slice(-500)) expect(await completed(url, id)).toMatchObject({ result: { counted: 2 } });
    const done = workers.flatMap((worker) => jobIds(worker, 'job completed'));
    expect(pushed.filter((id) => !done.includes(id))).toEqual([]);
    expect(repeated(done)).toEqual([]);

    const report = await eventually('all instances again', async () => {
      const { body } = await call<Report>(url, '/api/commands', 'POST', { name: 'ping' });
      return body.expected === 3 ? body : undefined;
    });
    expect(report).toMatchObject({ missing: [], lost: [] });
    for (const process of all) {
      expect(process.child.exitCode).toBeNull();
      expect(logged(process, 'command runs').filter((line) => line.id === report.id)).toHaveLength(1);
    }
  });

  it('lets a server that was started before it become ready when it comes', { timeout: 60_000 }, async () => {
    const redis = await startRedis();
    await redis.stop();
    const env = { BACKEND_URL: redis.url, PORT: '0' };
    const [server, worker] = [startProcess('server', env), startProcess('worker', env)];
    for (const one of [server, worker]) endings.push(() => one.end('SIGKILL'));
    const url = String((await server.line((line) => line.msg === 'server is running')).url);
    await worker.line((line) => line.msg === 'worker is running');
    expect(await call(url, '/readyz')).toMatchObject({ status: 503, body: { reason: expect.stringMatching(/Redis/) } });
    expectAway(await call(url, '/api/users/1'));
    // Without Redis its end cannot be known yet; the subscription waits for it.
    const heard = await hearEvents(url, 'news');
    endings.push(async () => heard.stop());

    await redis.start();
    await untilReady(url);
    expect((await call<{ name: string }>(url, '/api/users/1')).body.name).toBe('Paul John');
    const pushed = await call<{ jobId: string }>(url, '/api/queues/default/jobs', 'POST', {
      name: 'echo',
      data: 'ahoy',
    });
    expect((await completed(url, pushed.body.jobId)).result).toBe('ahoy');
    await eventually('a message', async () => {
      await call(url, '/api/topics/news/messages', 'POST', { data: 1 });
      return heard.messages.length > 0 || undefined;
    });
    await eventually('both instances', async () => {
      const { body } = await call<Report>(url, '/api/commands', 'POST', { name: 'ping' });
      return body.replies.length === 2 || undefined;
    });
  });

  it('that freezes or pauses is told within the deadline, and used again', { timeout: 60_000 }, async () => {
    const redis = await startRedis();
    const { server } = await fleetOn(redis, 1);
    const { url } = server;
    await call(url, '/api/keys/kept', 'PUT', { value: 'kept' });
    const paused = async () => {
      // Ends by itself: a paused Redis does not even hear that it may go on.
      const socket = connect(redis.port, '127.0.0.1', () => socket.write('CLIENT PAUSE 5000 ALL\r\n'));
      await new Promise((resolve) => socket.once('data', resolve));
      return () => socket.destroy();
    };
    const frozen = async () => {
      redis.pause();
      return redis.resume;
    };
    for (const silence of [paused, frozen]) {
      const resume = await silence();
      // For the frozen one more than one deadline long, so that the connection is given up and tried anew.
      for (let round = 0; round < (silence === frozen ? 3 : 1); round++) {
        const calls = Array.from({ length: 10 }, () => call(url, '/api/keys/kept'));
        for (const answer of await Promise.all([...calls, call(url, '/api/commands', 'POST', { name: 'ping' })]))
          expectAway(answer);
        const ready = await call(url, '/readyz');
        expect(ready.status).toBe(503);
        expect(ready.ms).toBeLessThan(DEADLINE_MS);
      }
      resume();
      await untilReady(url);
      expect((await call<{ value: string }>(url, '/api/keys/kept')).body.value).toBe('kept');
      const pushed = await call<{ jobId: string }>(url, '/api/queues/default/jobs', 'POST', { name: 'echo', data: 1 });
      await completed(url, pushed.body.jobId);
    }
  });
});
