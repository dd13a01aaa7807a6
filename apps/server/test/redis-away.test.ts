import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { call, completed, describeWithRedis, found, type Report } from './faults.ts';
import { DEADLINE_MS, DURABLE, expectAway, fleetFor, redisFor, untilReady } from './outage.ts';
import { startProcess } from './processes.ts';
import { hearEvents } from './subscribers.ts';

describeWithRedis('Redis that is away', () => {
  it('lets a server that was started before it become ready when it comes', { timeout: 60_000 }, async () => {
    const redis = await redisFor(DURABLE);
    await redis.stop();
    const env = { BACKEND_URL: redis.url, PORT: '0' };
    const [server, worker] = [startProcess('server', env), startProcess('worker', env)];
    for (const one of [server, worker]) onTestFinished(async () => void (await one.end('SIGKILL')));
    const url = String((await server.line((line) => line.msg === 'server is running')).url);
    await worker.line((line) => line.msg === 'worker is running');
    expect(await call(url, '/readyz')).toMatchObject({ status: 503, body: { reason: expect.stringMatching(/Redis/) } });
    expectAway(await call(url, '/api/users/1'));
    // Without Redis its end cannot be known yet; the subscription waits for it.
    const heard = await hearEvents(url, 'news');
    onTestFinished(async () => heard.stop());

    await redis.start();
    await untilReady(url);
    expect((await call<{ name: string }>(url, '/api/users/1')).body.name).toBe('Paul John');
    const pushed = await call<{ jobId: string }>(url, '/api/queues/default/jobs', 'POST', {
      name: 'echo',
      data: 'ahoy',
    });
    expect((await completed(url, pushed.body.jobId)).result).toBe('ahoy');
    await found('a message', async () => {
      await call(url, '/api/topics/news/messages', 'POST', { data: 1 });
      return heard.messages.length > 0 || undefined;
    });
    await found('both instances', async () => {
      const { body } = await call<Report>(url, '/api/commands', 'POST', { name: 'ping' });
      return body.replies.length === 2 || undefined;
    });
  });

  it('frozen or paused is told within the deadline, and used again', { timeout: 60_000 }, async () => {
    const redis = await redisFor(DURABLE);
    const { server } = await fleetFor(redis, 1);
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
