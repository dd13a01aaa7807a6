import { type Backend, createRuntime, createTopics } from '@portolan/core';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisBroadcast } from '../src/broadcast.ts';
import { RedisConnection } from '../src/connection.ts';
import { redisAdapter } from '../src/index.ts';
import { parseRedisUrl } from '../src/options.ts';
import { redisHarness, redisUrl } from './harness.ts';

const runtime = createRuntime();
const WEEK_MS = 604_800_000;
const retention = { count: 3, ms: 60_000, resumeMs: WEEK_MS };
let redis: Redis;
let backend: Backend;
let namespace: string;

beforeAll(() => {
  redis = new Redis(redisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  namespace = `broadcast-${runtime.id()}`;
  backend = await redisHarness.open({ namespace, runtime });
  return () => backend.close();
});

async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`did not happen: ${what}`);
    await runtime.sleep(5);
  }
}

/** Ids of the connections of that name that subscribe to a channel. */
async function subscribers(name: string): Promise<string[]> {
  const list = (await redis.client('LIST')) as string;
  const own = list.split('\n').filter((line) => line.includes(` name=${name} `) && /\bsub=[1-9]/.test(line));
  return own.map((line) => /\bid=(\d+)/.exec(line)?.[1] ?? '');
}

describe('topics in Redis', () => {
  it('go on without a gap when the subscriber connection is killed again and again', async () => {
    // Other tests have subscribers on this Redis too; these connections have a name.
    const named = { ...parseRedisUrl(redisUrl()), connectionName: namespace };
    const connection = new RedisConnection(named, namespace, runtime, 2_000);
    await connection.open();
    const topics = createTopics({ port: redisBroadcast(connection), runtime });
    const writer = createTopics({ port: backend.broadcast, runtime });
    const subscription = topics.subscribe('t');
    await subscription.ready;
    const got: unknown[] = [];
    let gaps = 0;
    const reading = (async () => {
      for await (const event of subscription) {
        got.push(event.data);
        if (event.gap) gaps++;
      }
    })();
    let sent = 0;
    let killed = 0;
    for (let round = 0; round < 5; round++) {
      await until('a subscriber', async () => (await subscribers(namespace)).length === 1);
      for (const id of await subscribers(namespace)) killed += (await redis.client('KILL', 'ID', id)) as number;
      // While the connection is away nobody hears the hints of these.
      for (let n = 0; n < 20; n++) await writer.publish('t', ++sent);
      await until('everything published', () => got.length >= sent);
    }
    expect(killed).toBe(5);
    expect(got).toEqual(Array.from({ length: sent }, (_, at) => at + 1));
    expect(gaps).toBe(0);
    await subscription.return();
    await reading;
    await connection.close();
  });

  it('are streams with contiguous ids under readable keys, and every key has an end', async () => {
    const { broadcast } = backend;
    const { cursors } = await broadcast.append(
      'news',
      [1, 2, 3, 4].map((n) => ({ data: `{"n":${n}}` })),
      retention,
    );
    await broadcast.join('news', { id: 'm', info: '{"a":1}' }, 30_000);
    const stream = `${namespace}:topic:{news}`;
    const entries = await redis.xrange(stream, '-', '+');
    expect(entries.map(([id, fields]) => [id, fields[1]])).toEqual([
      [cursors[1], '{"n":2}'],
      [cursors[2], '{"n":3}'],
      [cursors[3], '{"n":4}'],
    ]);
    const keys = (await redis.keys(`${namespace}:*`)).sort();
    expect(keys).toEqual([
      stream,
      `${stream}:members`,
      `${stream}:members:info`,
      `${stream}:meta`,
      `${namespace}:topics`,
    ]);
    for (const key of keys) expect(await redis.pttl(key), key).toBeGreaterThan(0);
    expect(await redis.pttl(`${stream}:meta`)).toBeGreaterThan(WEEK_MS);
    expect(await redis.pttl(stream)).toBeLessThanOrEqual(60_000);
    expect(await redis.pttl(`${stream}:members`)).toBeLessThanOrEqual(30_000);
  });

  it('hint once per append, on a channel of the database', async () => {
    const url = new URL(redisUrl());
    url.pathname = '/3';
    const third = await redisAdapter().open(url.href, { namespace, runtime, deadlineMs: 2_000 });
    const heard = { zeroth: 0, third: 0 };
    await backend.broadcast.hint('t', () => heard.zeroth++);
    await third.broadcast.hint('t', () => heard.third++);
    const before = { ...heard };
    const five = Array.from({ length: 5 }, () => ({ data: '1' }));
    await third.broadcast.append('t', five, retention);
    await until('the hint', () => heard.third > before.third);
    await third.broadcast.append('t', five, retention);
    await until('the second hint', () => heard.third > before.third + 1);
    expect(heard).toEqual({ zeroth: before.zeroth, third: before.third + 2 });
    await redis.select(3);
    await redis.del(await redis.keys(`${namespace}:*`));
    await redis.select(0);
    await third.close();
  });

  it('begin anew after the loss of the counter beside the stream', async () => {
    const { broadcast } = backend;
    const { cursors } = await broadcast.append('t', [{ data: '1' }], retention);
    await broadcast.append('t', [{ data: '2' }], retention);
    await redis.del(`${namespace}:topic:{t}:meta`);
    await runtime.sleep(2);
    const [lost] = await broadcast.read([{ topic: 't', after: cursors[0] ?? '' }], 10);
    expect(lost).toMatchObject({ messages: [], gap: true, cursor: '0-0' });
    await broadcast.append('t', [{ data: '3' }], retention);
    const [anew] = await broadcast.read([{ topic: 't', after: cursors[0] ?? '' }], 10);
    expect(anew?.messages.map((message) => message.data)).toEqual(['3']);
    expect(anew?.gap).toBe(true);
  });

  it('remove expired members in passing, a hundred at a time', async () => {
    const { broadcast } = backend;
    const members = `${namespace}:topic:{t}:members`;
    await broadcast.join('t', { id: 'long', info: '{}' }, 60_000);
    await Promise.all(Array.from({ length: 150 }, (_, n) => broadcast.join('t', { id: `short ${n}`, info: '{}' }, 50)));
    await runtime.sleep(120);
    expect(await broadcast.members('t')).toHaveLength(1);
    await broadcast.join('t', { id: 'long', info: '{}' }, 60_000);
    expect(await redis.zcard(members)).toBeLessThanOrEqual(51);
    await broadcast.join('t', { id: 'long', info: '{}' }, 60_000);
    expect([await redis.zcard(members), await redis.hlen(`${members}:info`)]).toEqual([1, 1]);
  });

  it('forget names of topics that ended', async () => {
    const { broadcast } = backend;
    await redis.zadd(`${namespace}:topics`, Date.now() - 1, 'ended');
    await broadcast.append('t', [{ data: '1' }], retention);
    expect((await broadcast.topics()).map((one) => one.topic)).toEqual(['t']);
    expect(await redis.zrange(`${namespace}:topics`, '0', '-1')).toEqual(['t']);
  });
});
