import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@portolan/api/client';
import { expect, it, onTestFinished } from 'vitest';
import {
  call,
  completed,
  describeWithRedis,
  drain,
  found,
  jobIds,
  type Load,
  load,
  type Report,
  repeated,
  runsOf,
} from './faults.ts';
import { DURABLE, expectAway, fleetFor, redisFor, untilReady } from './outage.ts';
import type { TestProcess } from './processes.ts';
import { type Heard, hearEvents, hearSubscription } from './subscribers.ts';

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

describeWithRedis('Redis that restarts', () => {
  it('is outlived by requests, jobs, subscribers and commands', { timeout: 90_000 }, async () => {
    const redis = await redisFor(DURABLE);
    const { server, workers, all } = await fleetFor(redis, 2);
    const { url } = server;
    const heard: Heard[] = [await hearEvents(url, 'news'), await hearSubscription(createClient({ url }), 'news')];
    for (const one of heard) onTestFinished(async () => one.stop());

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
    for (const one of loads) onTestFinished(() => one.stop());
    const counts = [
      () => requests.answers.length,
      () => published.length,
      () => pushed.length,
      () => workers.flatMap((worker) => jobIds(worker, 'job completed')).length,
      ...heard.map((one) => () => one.messages.length),
    ];
    const progress = () =>
      Promise.all(
        counts.map((count) => {
          const from = count();
          return found('progress', () => count() >= from + 20 || undefined);
        }),
      );

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
    for (const one of heard) {
      await found('the last message', () => one.messages.some(({ data }) => data === last) || undefined);
      const { messages, failures } = one;
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

    for (const id of pushed.slice(-500)) expect(await completed(url, id)).toMatchObject({ result: { counted: 2 } });
    const report = await found('all instances again', async () => {
      const { body } = await call<Report>(url, '/api/commands', 'POST', { name: 'ping' });
      return body.expected === 3 ? body : undefined;
    });
    expect(report).toMatchObject({ missing: [], lost: [] });
    expect(all.map(({ child }) => child.exitCode)).toEqual([null, null, null]);
    await drain(workers);

    // Every job that was acknowledged is completed, once. (A worker that was cut off past its lease may not know of its own success.)
    const done = workers.flatMap((worker) => jobIds(worker, 'job completed'));
    expect(repeated(done)).toEqual([]);
    const unlogged = pushed.filter((id) => !done.includes(id));
    await Promise.all(unlogged.map((id) => completed(url, id)));
    for (const worker of workers) expect(runsOf(worker, report.id)).toBe(1);
  });

  it('with everything lost is used on: subscribers are told of the gap', { timeout: 60_000 }, async () => {
    const redis = await redisFor();
    const { server, workers, all } = await fleetFor(redis, 1);
    const { url } = server;
    const publish = (data: string) => call(url, '/api/topics/news/messages', 'POST', { data });
    const heard = [await hearEvents(url, 'news'), await hearSubscription(createClient({ url }), 'news')];
    for (const one of heard) onTestFinished(async () => one.stop());
    await publish('one');
    await publish('two');
    for (const one of heard) await found('two messages', () => one.messages.length === 2 || undefined);
    // In the worker's hands when the store forgets it.
    await call(url, '/api/queues/default/jobs', 'POST', { name: 'count', data: { steps: 5, stepMs: 100 } });
    await found('the job taken', () => jobIds(workers[0] as TestProcess, 'job taken').length === 1 || undefined);

    await redis.kill();
    await redis.start();
    await untilReady(url);
    await publish('three');
    for (const one of heard) {
      const third = await found('the third message', () => one.messages[2]);
      expect(third).toMatchObject({ data: 'three', gap: true });
      expect(one.failures).toEqual([]);
    }
    const pushed = await call<{ jobId: string }>(url, '/api/queues/default/jobs', 'POST', { name: 'echo', data: 'on' });
    expect((await completed(url, pushed.body.jobId)).result).toBe('on');
    const report = await found('both instances', async () => {
      const { body } = await call<Report>(url, '/api/commands', 'POST', { name: 'ping' });
      return body.expected === 2 ? body : undefined;
    });
    expect(report).toMatchObject({ missing: [], lost: [] });
    await drain(all);
    for (const process of all) expect(runsOf(process, report.id)).toBe(1);
  });
});
