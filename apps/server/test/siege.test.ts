import { createClient } from '@portolan/api/client';
import { type PrivateRedis, startPrivateRedis } from '@portolan/testkit/redis-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  call,
  completed,
  describeWithRedis,
  drain,
  type Fleet,
  found,
  jobIds,
  load,
  repeated,
  startFleet,
} from './faults.ts';
import { type Heard, hearEvents, hearSubscription } from './subscribers.ts';

const CLIENTS = 100;
const JOBS = 2_000;

describeWithRedis('100 clients at once', () => {
  let redis: PrivateRedis;
  let fleet: Fleet;
  const heard: Heard[] = [];

  beforeAll(async () => {
    redis = await startPrivateRedis();
    fleet = await startFleet(redis, 2);
  });
  afterAll(async () => {
    for (const one of heard) one.stop();
    await fleet?.kill();
    await redis?.close();
  });

  it('push jobs and read their results, publish and hear, without an error, each job done exactly once', {
    timeout: 60_000,
  }, async () => {
    const { url } = fleet.server;
    heard.push(await hearEvents(url, 'news'), await hearSubscription(createClient({ url }), 'news'));
    const pushed: string[] = [];
    const published: string[] = [];
    const clients = load(CLIENTS, async (client, round) => {
      const data = `${client}-${round}`;
      const push = await call<{ jobId: string }>(url, '/api/queues/default/jobs', 'POST', { name: 'echo', data });
      if (push.status !== 202) throw new Error(`push: ${push.status} ${JSON.stringify(push.body)}`);
      pushed.push(push.body.jobId);
      const { result } = await completed(url, push.body.jobId);
      if (result !== data) throw new Error(`pushed ${data}, read ${JSON.stringify(result)}`);
      const publish = await call<{ id: string }>(url, '/api/topics/news/messages', 'POST', { data });
      if (publish.status !== 200) throw new Error(`publish: ${publish.status} ${JSON.stringify(publish.body)}`);
      published.push(publish.body.id);
      const queues = await call(url, '/api/queues');
      if (queues.status !== 200) throw new Error(`queues: ${queues.status} ${JSON.stringify(queues.body)}`);
      return queues;
    });
    await found(`${JOBS} jobs, or an error`, () => pushed.length >= JOBS || clients.errors.length > 0 || undefined);
    await clients.stop();
    expect(clients.errors).toEqual([]);

    const logged = (message: string) => fleet.workers.flatMap((worker) => jobIds(worker, message)).sort();
    await drain(fleet.workers);
    expect(repeated(pushed)).toEqual([]);
    expect(logged('job taken')).toEqual([...pushed].sort());
    expect(logged('job completed')).toEqual([...pushed].sort());
    for (const worker of fleet.workers) expect(jobIds(worker, 'job completed').length).toBeGreaterThan(0);

    const bySequence = (id: string) => Number(id.split('-')[1]);
    const inOrder = published.sort((a, b) => bySequence(a) - bySequence(b));
    for (const { messages, failures } of heard) {
      await found('the last message', () => messages.length >= published.length || undefined);
      expect(messages.map(({ id }) => id)).toEqual(inOrder);
      expect(failures).toEqual([]);
    }
  });
});
