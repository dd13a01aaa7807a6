import type { PrivateRedis } from '@portolan/testkit/redis-server';
import { expect, it } from 'vitest';
import { answering, bounded, connect, describeFaults, failure, open, recording, start } from './fault-kit.ts';

const SECRET = 's3cret-of-redis';

describeFaults('login', () => {
  const url = (server: PrivateRedis, login: string) => `redis://${login}127.0.0.1:${server.port}`;

  it('with the right password works', async () => {
    const server = await start({ password: `${SECRET}/%@` });
    await (await open(server.url)).ping();
  });

  it.each([
    ['a wrong password', `:${SECRET}@`],
    ['an unknown user', `nobody:${SECRET}@`],
    ['no password', ''],
  ])('%s: says that the login was refused, and tells no secret', async (_, login) => {
    const { runtime, logged } = recording();
    const server = await start({ password: 'another' });
    const backend = await bounded(open(url(server, login), runtime));
    const error = await bounded(failure(backend.ping()));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: 'Redis refused the login', retryable: false });
    expect(logged).toContainEqual(expect.objectContaining({ level: 'warn' }));
    for (const told of [...everythingIn(error), ...everythingIn(logged)]) expect(told).not.toContain(SECRET);
  });

  it('a password mended on the server is enough to recover', async () => {
    const server = await start({ password: 'another' });
    const backend = await open(url(server, `:${SECRET}@`));
    await failure(backend.ping());
    const operator = await connect(server.url);
    await operator.run((client) => client.config('SET', 'requirepass', SECRET));
    await answering(backend);
  });
});

describeFaults('databases and namespaces', () => {
  it('a database number keeps data apart, also after a reconnect', async () => {
    const server = await start();
    const one = await connect(`${server.url}/1`);
    const two = await connect(`${server.url}/2`);
    await one.run((client) => client.set(one.key('a'), '1'));
    expect(await two.run((client) => client.get(two.key('a')))).toBeNull();
    await server.kill();
    await server.start();
    await expect
      .poll(() => one.run((client) => client.set(one.key('b'), '1')).catch(() => 'away'), { timeout: 10_000 })
      .toBe('OK');
    const zero = await connect(server.url);
    expect(await zero.run((client) => client.dbsize())).toBe(0);
  });

  it('a namespace is the prefix of every key', async () => {
    const server = await start();
    const one = await connect(server.url, 'one');
    const two = await connect(server.url, 'two');
    expect([one.key('kv', 'a'), two.key('kv', 'a')]).toEqual(['one:kv:a', 'two:kv:a']);
  });
});

describeFaults('TLS', () => {
  it('works with the authority named in the URL', async () => {
    const server = await start({ tls: true, password: SECRET });
    await (await open(server.url)).ping();
    await (await open(server.url.replace('127.0.0.1', 'localhost'))).ping();
  });

  it('refuses a certificate of an authority it does not know', async () => {
    const server = await start({ tls: true });
    const { runtime, logged } = recording();
    const backend = await bounded(open(`rediss://127.0.0.1:${server.port}`, runtime));
    expect((await bounded(failure(backend.ping()))).code).toBe('UNAVAILABLE');
    expect(JSON.stringify(logged)).toMatch(/self-signed certificate/);
  });
});

describeFaults('close', () => {
  it('ends calls under way with UNAVAILABLE, refuses later ones, and may be repeated', async () => {
    const server = await start();
    const backend = await open(server.url);
    server.pause();
    const underWay = failure(backend.ping());
    await bounded(Promise.all([backend.close(), backend.close()]));
    expect(await bounded(underWay)).toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    expect(await failure(backend.ping())).toMatchObject({ code: 'UNAVAILABLE', message: 'the backend is closed' });
    await backend.close();
  });

  it('leaves no connection behind', async () => {
    const server = await start();
    const watcher = await connect(server.url);
    const connection = await connect(server.url);
    await connection.subscriber.subscribe('news', () => undefined);
    const blocking = connection.openBlocking();
    await blocking.connect();
    const popping = blocking.blpop('test:none', 0).catch((error: Error) => error);
    const clients = () =>
      watcher.run(
        async (client) =>
          String(await client.client('LIST'))
            .trim()
            .split('\n').length,
      );
    expect(await clients()).toBe(4);
    await connection.close();
    await expect.poll(clients).toBe(1);
    expect(await popping).toBeInstanceOf(Error);
    await expect(connection.subscriber.subscribe('news', () => undefined)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });
});

describeFaults('eviction', () => {
  it.each([
    ['allkeys-lru', true],
    ['volatile-ttl', true],
    ['noeviction', false],
  ])('%s: warned of: %s', async (policy, warned) => {
    const { runtime, logged } = recording();
    const server = await start({ args: ['--maxmemory-policy', policy] });
    const backend = await open(server.url, runtime);
    await backend.ping();
    await backend.ping();
    expect(logged.filter((one) => one.message.includes('maxmemory-policy')).length).toBe(warned ? 1 : 0);
  });

  it('is also looked for when Redis was away at first', async () => {
    const { runtime, logged } = recording();
    const server = await start({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    await server.stop();
    await open(server.url, runtime);
    await server.start();
    await expect.poll(() => JSON.stringify(logged), { timeout: 10_000 }).toContain('allkeys-lru');
  });
});

/** Every text reachable from a value, hidden properties included. */
function everythingIn(value: unknown, seen = new Set<unknown>()): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  if (seen.has(value)) return [];
  seen.add(value);
  return Reflect.ownKeys(value).flatMap((key) => [String(key), ...everythingIn(Reflect.get(value, key), seen)]);
}
