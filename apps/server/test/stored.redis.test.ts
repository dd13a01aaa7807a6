import { type DemoSite, startDemoSite } from '@portolan/demo';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEvents } from './surface/event-reader.ts';
import { eventually, redisUrl, type System, startSystem } from './systems.ts';

/** What `redis-cli`, or a service in another language, sees of what the API stored. */
describe.skipIf(!redisUrl)('what stands in Redis', () => {
  let site: DemoSite;
  let system: System;
  let redis: Redis;
  let stored: (name: string) => string;
  beforeAll(async () => {
    site = await startDemoSite();
    system = await startSystem('redis', {
      UNIVERSITIES_URL: `${site.url}/search`,
      FETCH_ALLOW: `127.0.0.1:${site.port}`,
    });
    redis = new Redis(redisUrl ?? '');
    stored = (name) => `${system.env.NAMESPACE}:${name}`;
  });
  afterAll(async () => {
    redis?.disconnect();
    await system?.close();
    await site?.close();
  });

  async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${system.server.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as T;
  }
  const found = async (pattern: string): Promise<string> => {
    const keys: string[] = [];
    for await (const page of redis.scanStream({ match: stored(pattern), count: 1_000 }))
      keys.push(...(page as string[]));
    expect(keys, pattern).toHaveLength(1);
    return keys[0] as string;
  };

  it('a value is its JSON under its own name, with its time to live', async () => {
    await send('PUT', '/api/keys/ship', { value: { name: 'Sjö', masts: [1, 2.5, null] }, ttlMs: 60_000 });
    expect(await redis.get(stored('kv:ship'))).toBe('{"name":"Sjö","masts":[1,2.5,null]}');
    expect(await redis.pttl(stored('kv:ship'))).toBeGreaterThan(0);
    await send('PUT', '/api/keys/ship', { value: 'text' });
    expect([await redis.get(stored('kv:ship')), await redis.pttl(stored('kv:ship'))]).toEqual(['"text"', -1]);
  });

  it('what another program writes there is what the API answers', async () => {
    await redis.set(stored('kv:foreign'), '{"from": "elsewhere"}');
    expect(await send('GET', '/api/keys/foreign')).toMatchObject({ value: { from: 'elsewhere' }, ttlMs: null });
    await redis.hset(stored('kv:foreign-fields'), 'a', '[1]');
    expect(await send('GET', '/api/keys/foreign-fields/fields')).toEqual({ fields: { a: [1] } });
    await redis.set(stored('counter:foreign'), '41');
    expect(await send('POST', '/api/counters/foreign/increment')).toEqual({ value: 42 });
    await redis.set(stored('kv:not-json'), 'plain text');
    const answer = await send<{ code?: string }>('GET', '/api/keys/not-json');
    expect(answer.code).toBeDefined();
  });

  it('fields are a hash of JSON values, and a counter is a number', async () => {
    await send('PUT', '/api/keys/crew/fields', { fields: { captain: 'Ada', count: 3, list: ['ü'] } });
    expect(await redis.hgetall(stored('kv:crew'))).toEqual({ captain: '"Ada"', count: '3', list: '["ü"]' });
    await send('POST', '/api/counters/visits/increment', { by: 5, ttlMs: 60_000 });
    expect(await redis.get(stored('counter:visits'))).toBe('5');
    expect(await redis.pttl(stored('counter:visits'))).toBeGreaterThan(0);
  });

  it('a user is a hash whose body is the user as JSON, with the revision of the ETag', async () => {
    const user = { name: 'Ada', email: 'ada@example.com', age: 36, city: 'London' };
    const { revision } = await send<{ revision: number }>('PUT', '/api/users/ada', user);
    const document = await redis.hgetall(stored('doc:{users}:item:ada'));
    expect(JSON.parse(document.body ?? '')).toEqual(user);
    expect(document.revision).toBe(String(revision));
  });

  it('a cached answer is JSON under a readable key, and ends', async () => {
    const universities = await send('GET', '/api/universities?name=tel&country=Israel');
    const key = await found('cache:*universities*');
    expect(key).toMatch(/country.*Israel.*name.*tel/);
    expect(await redis.type(key)).toBe('string');
    expect(JSON.parse((await redis.get(key)) ?? '').value).toEqual(universities);
    expect(await redis.pttl(key)).toBeGreaterThan(30_000);
    await send('GET', `/api/pages?url=${encodeURIComponent(`${site.url}/pages/hello`)}`);
    const page = await found('cache:*pages/hello*');
    expect(JSON.parse((await redis.get(page)) ?? '').value).toMatchObject({ status: 200 });
    expect(await redis.pttl(page)).toBeLessThanOrEqual(30_000);
  });

  it('a waiting job is JSON that names itself and holds its data', async () => {
    const job = { name: 'echo', data: { hello: 'Sjö' }, delayMs: 600_000 };
    const { jobId } = await send<{ jobId: string }>('POST', '/api/queues/default/jobs', job);
    const body = await redis.hget(stored('queue:{default}:jobs'), jobId.slice('default:'.length));
    expect(JSON.parse(body ?? '')).toMatchObject({ name: 'echo', data: { hello: 'Sjö' } });
  });

  it('the page that a job fetched is kept when the queue has nothing of the job any more', async () => {
    const { jobId } = await send<{ jobId: string }>('POST', '/api/pages', { url: `${site.url}/pages/number/9` });
    const job = await eventually(
      () => send<{ state: string; result?: { body: string } }>('GET', `/api/jobs/${jobId}`),
      ({ state }) => state === 'completed',
    );
    const jobs = stored('queue:{pages}:jobs');
    expect(await redis.hexists(jobs, jobId.slice('pages:'.length))).toBe(1);
    for await (const page of redis.scanStream({ match: stored('queue:{pages}:*') })) {
      if ((page as string[]).length > 0) await redis.del(page as string[]);
    }
    expect(await redis.exists(jobs)).toBe(0);
    const later = await send<{ state: string; result?: unknown; name: string; queue: string }>(
      'GET',
      `/api/jobs/${jobId}`,
    );
    expect(later).toMatchObject({ id: jobId, queue: 'pages', name: 'pages.fetch', state: 'completed' });
    expect(later.result).toEqual(job.result);
    const day = 86_400_000;
    const due = Number(await redis.zscore(stored('doc:{job-results}:expiry'), jobId));
    expect(due - Date.now()).toBeGreaterThan(day / 2);
    expect(due - Date.now()).toBeLessThanOrEqual(day + 60_000);
  });

  it('a message is JSON in a log that ends, and a subscriber that left is forgotten', async () => {
    const streams = await Promise.all([1, 2, 3].map(() => readEvents(`${system.server.url}/api/topics/news/stream`)));
    const channels = async () => (await redis.call('PUBSUB', 'CHANNELS', '*news*')) as string[];
    const listened = await eventually(channels, ({ length }) => length > 0);
    expect(listened.every((name) => name.startsWith(stored('')))).toBe(true);
    const { id } = await send<{ id: string }>('POST', '/api/topics/news/messages', { data: { land: 'ahoy' } });
    for (const stream of streams) expect((await stream.until(1))[0]?.id).toBe(id);
    const [entry] = await redis.xrange(stored('topic:{news}'), '-', '+');
    expect(entry?.[1]).toContain('{"land":"ahoy"}');
    expect(await redis.pttl(stored('topic:{news}'))).toBeGreaterThan(0);
    for (const stream of streams) stream.close();
    await eventually(channels, ({ length }) => length === 0);
  });
});
