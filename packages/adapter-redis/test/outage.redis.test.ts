import { expect, it } from 'vitest';
import { answering, bounded, connect, describeFaults, failure, open, start } from './fault-kit.ts';

describeFaults('Redis stops', () => {
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

describeFaults('scripts', () => {
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

describeFaults('subscriptions', () => {
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
