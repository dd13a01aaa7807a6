import { type Backend, createRuntime } from '@portolan/core';
import { drainQueue, fillQueue, jobsOf, queueClient, reconcile } from '@portolan/testkit';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisHarness, redisUrl } from './harness.ts';
import { amiss, lose } from './queue-invariants.ts';

const runtime = createRuntime();
let redis: Redis;
let namespace: string;
let prefix: string;
let backend: Backend;

beforeAll(() => {
  redis = new Redis(redisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  await open();
  return () => backend.close();
});

async function open(): Promise<void> {
  namespace = `reconcile-${runtime.id()}`;
  prefix = `${namespace}:queue:{work}:`;
  backend = await redisHarness.open({ namespace, runtime });
}

const key = (part: string) => prefix + part;
const pass = async (options?: Parameters<typeof reconcile>[2]) =>
  (await reconcile(backend.queue, 'work', options)).repaired;
const finished = async () => {
  const { completed, failed, cancelled } = await jobsOf(backend.queue);
  return [...completed, ...failed, ...cancelled].sort();
};

/** Every kind of element that a queue keeps, with what its loss is told as, and the job (if one) that must run although it was lost. */
const losses: readonly (readonly [string, () => Promise<unknown>, object, string?])[] = [
  ['a place in the line', () => redis.lrem(key('waiting'), 1, 'job-3'), { jobs: 1 }, 'job-3'],
  ['the whole line', () => redis.del(key('waiting')), { jobs: 10, strays: 3 }, 'job-1'],
  ['a place among other priorities', () => redis.zrem(key('ranked'), 'high'), { jobs: 1 }, 'high'],
  ['all of other priorities', () => redis.del(key('ranked')), { jobs: 2, strays: 1 }, 'low'],
  ['the time of a delayed job', () => redis.zrem(key('delayed'), 'later'), { jobs: 1 }, 'later'],
  ['the place of a held job', () => redis.zrem(key('delayed'), 'parent'), { jobs: 1 }, 'parent'],
  ['what a held job awaits', () => redis.zrem(key('awaits'), 'parent'), { jobs: 1 }, 'parent'],
  ['a lease', () => redis.hdel(key('session:b'), 'runs'), { jobs: 1 }, 'runs'],
  ['the leases of a session', () => redis.del(key('session:b')), { jobs: 5, sums: 2 }, 'g-1'],
  ['a session', () => redis.zrem(key('sessions'), 'b'), { jobs: 5, sums: 2, strays: 1 }, 'g-1'],
  ['all sessions', () => redis.del(key('sessions')), { jobs: 7, sums: 2, strays: 3 }, 'logs'],
  ['a completed job of the list', () => redis.zrem(key('completed'), 'done'), { jobs: 1 }],
  ['a failed job of the list', () => redis.zrem(key('failed'), 'broken'), { jobs: 1 }, 'broken'],
  ['a body that waits', () => redis.hdel(key('jobs'), 'job-2'), { strays: 1 }],
  ['a body that runs', () => redis.hdel(key('jobs'), 'runs'), { strays: 3 }],
  ['a body aside', () => redis.hdel(key('jobs'), 'g-2'), { strays: 2 }],
  ['a body that is held', () => redis.hdel(key('jobs'), 'parent'), { strays: 3 }],
  ['a body that ended', () => redis.hdel(key('jobs'), 'done', 'broken', 'high-hole'), { strays: 7 }],
  ['every body', () => redis.del(key('jobs')), { strays: expect.any(Number), sums: 2 }],
  ['the holes', () => redis.del(key('holes')), { strays: 1, doubles: 3 }],
  ['a job aside', () => redis.zrem(key('aside'), 'g-2'), { jobs: 1, strays: 1 }, 'g-2'],
  ['all aside', () => redis.del(key('aside')), { jobs: 5, strays: 5 }, 'h-3'],
  ["a place in a group's line", () => redis.zrem(key('side:g'), 'g-2'), { jobs: 1 }, 'g-2'],
  ["a group's line", () => redis.del(key('side:g')), { jobs: 3 }, 'g-4'],
  ['the seat of a group', () => redis.zrem(key('full'), 'g'), { jobs: 1 }, 'g-2'],
  ['the seats of all groups', () => redis.del(key('full'), key('ready')), { jobs: 2 }, 'h-2'],
  ['the group of a job aside', () => redis.hdel(key('groups'), 'g-3'), { jobs: 1, strays: 1 }, 'g-3'],
  ['the groups of all jobs', () => redis.del(key('groups')), { jobs: 5, strays: 5, sums: 2 }, 'h-2'],
  ['how many of a group run', () => redis.hdel(key('running'), 'g'), { sums: 1 }],
  ['the limits', () => redis.del(key('limits')), { jobs: 2 }, 'g-2'],
  ['the holder of a key', () => redis.hdel(key('dedupe'), 'k'), { sums: 1 }],
  ['the mark with a key', () => redis.hdel(key('marks'), 'keyed'), { sums: 1 }],
  ['all marks', () => redis.del(key('marks')), { sums: 3 }, 'low'],
  ['when what is owed is due', () => redis.zrem(key('owed'), 'child'), { jobs: 1 }],
  ['what is owed', () => redis.hdel(key('debts'), 'child'), { strays: 1 }],
  ['that a job has logged', () => redis.srem(key('logged'), 'logs'), { sums: 1 }],
  ['a log', () => redis.del(key('log:logs')), { strays: 1 }],
  ['the next tick of a schedule', () => redis.zrem(key('schedules'), 'daily'), { jobs: 1 }],
  ['the template of a schedule', () => redis.hdel(key('templates'), 'daily'), { strays: 1 }],
  ['the timing of a schedule', () => redis.hdel(key('timings'), 'daily'), { strays: 1 }],
  ['the counters of the line', () => redis.del(key('meta')), { sums: expect.any(Number) }],
  ['the queue, off the list of queues', () => redis.del(`${namespace}:queue:names`), { listings: 1 }],
];

/** What stands where it should not. */
const excesses: readonly (readonly [string, () => Promise<unknown>, object])[] = [
  ['a count of what does not run', () => redis.hset(key('running'), 'g', 7, 'nobody', 1), { sums: 2 }],
  ['a wrong seat', () => redis.zadd(key('ready'), 5, 'g'), { sums: 1 }],
  ['a seat without jobs', () => redis.zadd(key('full'), 5, 'nobody'), { sums: 1 }],
  ['a hole where a job waits', () => redis.sadd(key('holes'), 'job-1'), { jobs: 1 }],
  ['a hole that is no place', () => redis.sadd(key('holes'), 'nobody'), { strays: 1 }],
  ['a request to cancel what waits', () => redis.sadd(key('cancelling'), 'job-1'), { strays: 1 }],
  ['a key of a job that ended', () => redis.hset(key('dedupe'), 'z', 'done'), { strays: 1 }],
  ['a finished job that waits', () => redis.rpush(key('waiting'), 'done'), { doubles: 1 }],
  ['a running job that waits', () => redis.rpush(key('waiting'), 'runs'), { doubles: 1 }],
  ['a running job that is delayed', () => redis.zadd(key('delayed'), 5, 'runs'), { doubles: 1 }],
  ['a finished job that runs', () => redis.hset(key('session:a'), 'done', 5), { doubles: 1 }],
  ['a job of two sessions', () => redis.hset(key('session:a'), 'runs', 5), { doubles: 1 }],
  ['a job twice in the line', () => redis.rpush(key('waiting'), 'job-1'), { doubles: 1 }],
  ['a job twice among the finished', () => redis.zadd(key('failed'), 5, 'done'), { doubles: 1 }],
  ['a job in two lines', () => redis.zadd(key('ranked'), 5, 'g-2'), { doubles: 1 }],
];

describe('a reconcile in Redis', () => {
  it('finds nothing amiss in a queue that has everything', async () => {
    await fillQueue(backend.queue);
    expect(await amiss(redis, prefix)).toEqual([]);
    expect(await pass({ thorough: true })).toEqual({});
  });

  it.each(losses.map(([name, damage, told, job]) => ({ name, damage, told, job })))(
    'makes good the loss of $name',
    async ({ damage, told, job }) => {
      await fillQueue(backend.queue);
      await damage();
      expect(await pass({ dryRun: true, thorough: true })).not.toEqual({});
      expect(await pass({ thorough: true })).toEqual(told);
      expect(await amiss(redis, prefix)).toEqual([]);
      expect(await pass({ thorough: true })).toEqual({});
      const bodies = (await redis.hkeys(key('jobs'))).sort();
      const before = new Set(await finished());
      const runs = await drainQueue(backend.queue);
      expect(await finished()).toEqual(bodies);
      expect([...runs].filter(([id, n]) => n > 1 || before.has(id))).toEqual([]);
      if (job !== undefined) expect(runs.get(job)).toBe(1);
    },
  );

  it.each(excesses)('takes away %s', async (_, damage, told) => {
    await fillQueue(backend.queue);
    const before = await jobsOf(backend.queue);
    await damage();
    expect(await pass({ thorough: true })).toEqual(told);
    expect(await amiss(redis, prefix)).toEqual([]);
    expect(await pass({ thorough: true })).toEqual({});
    expect(await jobsOf(backend.queue)).toEqual(before);
  });

  it('leaves every job that has a body to end once, whatever else was lost', async () => {
    const lost = fc.array(fc.record({ part: fc.nat(), element: fc.nat(), whole: fc.boolean() }), {
      minLength: 1,
      maxLength: 14,
      size: 'max',
    });
    const property = fc.asyncProperty(lost, async (drawn) => {
      await backend.close();
      await open();
      await fillQueue(backend.queue);
      const parts = (await redis.keys(`${namespace}:*`)).sort();
      const told: string[] = [];
      for (const { part, element, whole } of drawn) {
        const name = parts[part % parts.length] as string;
        told.push(await lose(redis, name, element, whole));
      }
      const what = told.join(', ');
      await pass({ dryRun: true, thorough: true });
      await pass({ thorough: true });
      expect(await amiss(redis, prefix), what).toEqual([]);
      expect(await pass({ thorough: true }), what).toEqual({});
      const bodies = (await redis.hkeys(key('jobs'))).sort();
      const before = new Set(await finished());
      const runs = await drainQueue(backend.queue);
      expect(await finished(), what).toEqual(bodies);
      expect(
        [...runs].filter(([id, n]) => n > 1 || before.has(id)),
        what,
      ).toEqual([]);
      expect(await amiss(redis, prefix), what).toEqual([]);
    });
    // A group that sat by a lost job, and whose running job was lost with its session, was left without its room.
    const part = (part: number, element = 0) => ({ part, element, whole: false });
    const sat = [part(1315114033), part(638505801, 1310892693), { ...part(57376390), whole: true }, part(0)];
    await fc.assert(property, { numRuns: Number(process.env.MODEL_RUNS ?? 60), examples: [[sat]] });
  }, 240_000);

  it('finds the few that stand nowhere among many that wait, in pages', async () => {
    const client = queueClient(backend.queue, 'a');
    const ids = Array.from({ length: 12_000 }, (_, n) => `job-${n}`);
    for (let from = 0; from < ids.length; from += 500) {
      await client.push(...ids.slice(from, from + 500).map((id) => ({ id })));
    }
    const lost = ids.filter((_, n) => n % 400 === 7);
    for (const id of lost) await redis.lrem(key('waiting'), 1, id);
    await redis.rpush(key('waiting'), 'job-1');
    const policy = { reconcile: { cursor: null as string | null, everyMs: 0 } };
    const looked: number[] = [];
    // A second one finds what the filter of the first may have told wrongly.
    for (let passes = 0; passes < 2; passes += 1) {
      do {
        const { reconciled } = await client.sweep(policy);
        looked.push(reconciled?.looked ?? 0);
        policy.reconcile.cursor = reconciled?.cursor ?? null;
      } while (policy.reconcile.cursor !== null);
    }
    expect(Math.max(...looked)).toBeLessThan(1_200);
    expect(await amiss(redis, prefix)).toEqual([]);
    expect(await client.counts()).toMatchObject({ waiting: ids.length });
  });

  it('takes every lease from a session that the list has lost, once its job may run elsewhere', async () => {
    const a = queueClient(backend.queue, 'a');
    const b = queueClient(backend.queue, 'b');
    await a.push({ id: 'one' });
    expect(await a.claim(1)).toEqual(['one']);
    await redis.zrem(key('sessions'), 'a');
    expect(await pass()).toEqual({ jobs: 1 });
    expect(await b.claim(1)).toEqual(['one']);
    const late = await a.settle({ id: 'one', outcome: 'completed', result: '1' });
    expect(late).toMatchObject({ created: true, refused: ['one'] });
    expect(await amiss(redis, prefix)).toEqual([]);
    expect((await b.settle({ id: 'one', outcome: 'completed', result: '2' })).refused).toEqual([]);
  });

  it('tells queues that nobody listed, and begins no pass soon after another', async () => {
    await queueClient(backend.queue, 'a').push({ id: 'one' });
    await redis.del(`${namespace}:queue:names`);
    const names = async (unlisted?: true) =>
      (await backend.queue.inspect({ of: 'names', ...(unlisted && { unlisted }) })).names;
    expect(await names()).toEqual([]);
    expect(await names(true)).toEqual(['work']);
    expect(await reconcile(backend.queue, 'work', { everyMs: 60_000, dryRun: true })).toMatchObject({ looked: 1 });
    const passes = await Promise.all([1, 2, 3].map(() => reconcile(backend.queue, 'work', { everyMs: 60_000 })));
    expect(passes.map(({ looked }) => looked).sort()).toEqual([0, 0, 1]);
    expect(await names()).toEqual(['work']);
    expect((await reconcile(backend.queue, 'work')).looked).toBe(1);
  });
});
