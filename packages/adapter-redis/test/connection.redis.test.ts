import { type Backend, createRuntime, type Logger, PortolanError, type Runtime } from '@portolan/core';
import { isCi } from '@portolan/testkit/choose-redis';
import {
  hasRedisServer,
  type PrivateRedis,
  type PrivateRedisOptions,
  startPrivateRedis,
} from '@portolan/testkit/redis-server';
import { afterEach, describe as describeCases, expect, it } from 'vitest';
import { RedisConnection } from '../src/connection.ts';
import { redisAdapter } from '../src/index.ts';
import { parseRedisUrl } from '../src/options.ts';

const DEADLINE_MS = 400;
const SECRET = 's3cret-of-redis';

/** These tests stop and freeze servers, so they need their own; under CI a host without one fails. */
const possible = isCi(process.env) || (await hasRedisServer());
const describe = (name: string, cases: () => void): void => {
  if (possible) describeCases(name, cases);
  else describeCases.skip(`${name} (skipped: needs redis-server on the PATH)`, cases);
};

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function start(options: PrivateRedisOptions = {}): Promise<PrivateRedis> {
  const server = await startPrivateRedis(options);
  endings.push(() => server.close());
  return server;
}

/** A runtime that keeps what is logged. */
function recording(): { runtime: Runtime; logged: { level: string; fields: object; message: string }[] } {
  const logged: { level: string; fields: object; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message });
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { runtime: createRuntime({ logger }), logged };
}

async function open(url: string, runtime: Runtime = createRuntime(), deadlineMs = DEADLINE_MS): Promise<Backend> {
  const backend = await redisAdapter().open(url, { namespace: 'test', runtime, deadlineMs });
  endings.push(() => backend.close());
  return backend;
}

async function connect(url: string, namespace = 'test'): Promise<RedisConnection> {
  const connection = new RedisConnection(parseRedisUrl(url), namespace, createRuntime(), DEADLINE_MS);
  endings.push(() => connection.close());
  await connection.open();
  return connection;
}

const failure = (call: Promise<unknown>): Promise<PortolanError> =>
  call.then(
    () => expect.unreachable('the call succeeded'),
    (error: unknown) => {
      if (!PortolanError.is(error)) throw error;
      return error;
    },
  );

/** Fails the test when `call` is still under way long after its deadline. */
function bounded<T>(call: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('still under way after five deadlines')), DEADLINE_MS * 5).unref();
  });
  return Promise.race([call, late]);
}

const answering = (backend: Backend) =>
  expect
    .poll(
      () =>
        backend.ping().then(
          () => 'answers',
          (error: PortolanError) => error.code,
        ),
      { timeout: 10_000, interval: 20 },
    )
    .toBe('answers');

describe('Redis stops', () => {
  it.each(['stop', 'kill'] as const)(
    '%s: calls fail at once with UNAVAILABLE, and work again once it is back',
    async (how) => {
      const server = await start();
      const backend = await open(server.url);
      await backend.ping();
      await server[how]();
      for (let call = 0; call < 3; call++) {
        const error = await bounded(failure(backend.ping()));
        expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      }
      await server.start();
      await answering(backend);
    },
  );

  it('a frozen server: TIMEOUT for the call that finds it out, never a hang, and recovery', async () => {
    const server = await start();
    const backend = await open(server.url);
    await backend.ping();
    server.pause();
    const errors = await bounded(Promise.all([failure(backend.ping()), failure(backend.ping())]));
    expect(errors.map((error) => error.code)).toEqual(['TIMEOUT', 'TIMEOUT']);
    for (let call = 0; call < 5; call++) {
      expect(['TIMEOUT', 'UNAVAILABLE']).toContain((await bounded(failure(backend.ping()))).code);
    }
    server.resume();
    await answering(backend);
  });

  it('a call whose connection breaks before the reply ends with UNAVAILABLE and is not sent again', async () => {
    const server = await start();
    const connection = await connect(server.url);
    server.pause();
    const cut = failure(connection.run((client) => client.incr('test:count')));
    await server.kill();
    expect((await bounded(cut)).code).toBe('UNAVAILABLE');
    await server.start();
    await expect
      .poll(() => connection.run((client) => client.exists('test:count')).catch(() => 'away'), { timeout: 10_000 })
      .toBe(0);
  });

  it('is away at the first open: open answers, calls fail, and the same backend works once Redis is there', async () => {
    const server = await start();
    await server.stop();
    const backend = await bounded(open(server.url));
    expect((await bounded(failure(backend.ping()))).code).toBe('UNAVAILABLE');
    await server.start();
    await answering(backend);
  });

  it('data written to an append-only file is there after kill -9', async () => {
    const server = await start({ appendOnly: true });
    const connection = await connect(server.url);
    await connection.run((client) => client.set('test:kept', 'yes'));
    await server.kill();
    await server.start();
    await expect
      .poll(() => connection.run((client) => client.get('test:kept')).catch(() => 'away'), { timeout: 10_000 })
      .toBe('yes');
  });

  it('an address that swallows packets does not hold up open, calls or close', async () => {
    const backend = await bounded(open('redis://192.0.2.1:6379'));
    expect(['TIMEOUT', 'UNAVAILABLE']).toContain((await bounded(failure(backend.ping()))).code);
    await bounded(backend.close());
  });

  it('a host without an address: UNAVAILABLE', async () => {
    const backend = await bounded(open('redis://nowhere.invalid'));
    expect((await bounded(failure(backend.ping()))).code).toBe('UNAVAILABLE');
  });
});

describe('scripts', () => {
  const twice = { name: 'portolanTestTwice', lua: 'return redis.call("INCRBY", KEYS[1], ARGV[1])' };

  it('survive SCRIPT FLUSH and a new server, alone and many in one pipeline', async () => {
    const server = await start();
    const connection = await connect(server.url);
    const call = () => connection.script(twice, ['test:n'], [2]);
    expect(await call()).toBe(2);
    await connection.run((client) => client.script('FLUSH'));
    expect(await call()).toBe(4);
    await connection.run((client) => client.script('FLUSH'));
    expect(await Promise.all(Array.from({ length: 50 }, call))).toHaveLength(50);
    expect(await connection.run((client) => client.get('test:n'))).toBe('104');
    await server.kill();
    await server.start();
    await expect.poll(() => call().catch(() => 'away'), { timeout: 10_000 }).toBe(2);
  });
});

describe('login', () => {
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

/** Every text reachable from a value, hidden properties included. */
function everythingIn(value: unknown, seen = new Set<unknown>()): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  if (seen.has(value)) return [];
  seen.add(value);
  return Reflect.ownKeys(value).flatMap((key) => [String(key), ...everythingIn(Reflect.get(value, key), seen)]);
}

describe('databases and namespaces', () => {
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

describe('TLS', () => {
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

describe('subscriptions', () => {
  it('are resumed after a reconnect, with a call that says so', async () => {
    const server = await start();
    const connection = await connect(server.url);
    const heard: string[] = [];
    const end = await connection.subscriber.subscribe('news', (message) => void heard.push(message));
    const silent = await connection.subscriber.subscribe('news', () => undefined);
    await silent();
    await connection.run((client) => client.publish('news', 'one'));
    await expect.poll(() => heard).toContain('one');
    await server.kill();
    heard.length = 0;
    await server.start();
    await expect.poll(() => heard, { timeout: 10_000 }).toContain('');
    await connection.run((client) => client.publish('news', 'two'));
    await expect.poll(() => heard).toContain('two');
    await end();
    expect(await connection.run((client) => client.pubsub('NUMSUB', 'news'))).toEqual(['news', 0]);
  });

  it('made while Redis is away begin when it is back', async () => {
    const server = await start();
    await server.stop();
    const connection = await connect(server.url);
    const heard: string[] = [];
    await bounded(connection.subscriber.subscribe('news', (message) => void heard.push(message)));
    await server.start();
    await expect.poll(() => heard, { timeout: 10_000 }).toContain('');
    await expect
      .poll(() => connection.run((client) => client.publish('news', 'one')).catch(() => 0), { timeout: 10_000 })
      .toBe(1);
    await expect.poll(() => heard).toContain('one');
  });
});

describe('close', () => {
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

describe('eviction', () => {
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
