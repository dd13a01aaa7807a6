import { MAX_QUEUES, type QueuePort } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, listedQueues, queueClient } from './queue-client.ts';
import { suite } from './suite.ts';
import { job, withBench, wrapQueue } from './worker-bench.ts';

const NOTHING = { completed: { count: 0, ms: 0 }, failed: { count: 0, ms: 0 } };

const nameOf = (n: number): string => `queue-${String(n).padStart(4, '0')}`;

/** Pushes one job to each of the queues `from` to below `to`, many at a time. */
async function pushEach(port: QueuePort, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 100) {
    const names = Array.from({ length: Math.min(100, to - at) }, (_, n) => nameOf(at + n));
    await Promise.all(names.map((name) => queueClient(port, 'a', name).push({ id: '1' })));
  }
}

/** Which queues there are: how many at most, when one leaves the list, and how workers follow. */
export function queueListSuite(harness: Harness): void {
  suite(harness, 'queue list', (add) => {
    add(
      'one queue more than there may be is refused, and nothing of it is stored',
      async ({ kit, backend }) => {
        const { queue } = backend;
        const other = (await kit.open()).queue;
        const last = MAX_QUEUES - 5;
        await pushEach(queue, 0, last);
        const racers = Array.from({ length: 20 }, (_, n) => queueClient(n % 2 ? queue : other, 'a', nameOf(last + n)));
        const outcomes = await Promise.allSettled(racers.map((client) => client.push({ id: '1' })));
        expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(5);
        for (const one of outcomes) {
          if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'CONFLICT', retryable: false });
        }
        const listed = await listedQueues(queue);
        expect(listed).toHaveLength(MAX_QUEUES);
        expect(listed).toEqual(listed.toSorted());

        const late = queueClient(other, 'a', 'zz');
        await expect(late.push({ id: '1' })).rejects.toMatchObject({ code: 'CONFLICT' });
        await expect(other.amend('zz', { do: 'pause' })).rejects.toMatchObject({ code: 'CONFLICT' });
        expect((await other.inspect({ of: 'jobs', queue: 'zz', ids: ['1'] })).jobs).toEqual([]);
        expect(await queueClient(other, 'a', nameOf(0)).push({ id: '2' })).toMatchObject([{ created: true }]);

        await queue.amend(nameOf(7), { do: 'remove', id: '1' });
        await kit.pass(60);
        await queueClient(queue, 'a', nameOf(7)).sweep({ idleMs: 50 });
        expect(await late.push({ id: '1' })).toEqual([{ id: '1', created: true }]);
        expect((await listedQueues(queue)).at(-1)).toBe('zz');
        const again = queueClient(queue, 'a', nameOf(7));
        await expect(again.push({ id: '1' })).rejects.toMatchObject({ code: 'CONFLICT' });
        expect(Object.values(await again.counts())).toEqual([0, 0, 0, 0, 0, 0]);
      },
      30_000,
    );

    add('a queue that holds nothing leaves the list when it is idle, and a push lists it again', async (test) => {
      const { queue } = test.backend;
      const other = (await test.kit.open()).queue;
      const client = queueClient(queue, 'a');
      await client.push({ id: '1' });
      await client.claim(1);
      await client.exchange({ settled: [completed('1')], retention: NOTHING });
      await client.sweep();
      expect(await listedQueues(other)).toEqual(['work']);
      await test.kit.pass(60);
      await client.sweep({ idleMs: 50 });
      expect(await listedQueues(queue)).toEqual([]);
      expect(await other.inspect({ of: 'queues' })).toEqual({ queues: [], jobs: [], cursor: null });
      for (const port of [queue, other]) {
        const pusher = queueClient(port, 'a');
        expect(await pusher.push({ id: '1', priority: 3 })).toEqual([{ id: '1', created: true }]);
        expect(await listedQueues(port)).toEqual(['work']);
        expect(await client.claim(2)).toEqual(['1']);
        await client.exchange({ settled: [completed('1')], retention: NOTHING });
        await test.kit.pass(60);
        await client.sweep({ idleMs: 50 });
        expect(await listedQueues(port)).toEqual([]);
      }
    });

    add('a push at the moment in which its queue leaves the list keeps it there', async ({ kit, backend }) => {
      const { queue } = backend;
      const other = (await kit.open()).queue;
      const clients = Array.from({ length: 20 }, (_, n) => queueClient(n % 2 ? queue : other, 'a', nameOf(n)));
      const listed = clients.map((_, n) => nameOf(n));
      for (let round = 0; round < 10; round += 1) {
        await Promise.all(
          clients.map(async (client, n) => {
            const sweeper = queueClient(n % 3 ? queue : other, 'b', nameOf(n));
            await Promise.all([sweeper.sweep({ idleMs: 50 }), client.push({ id: '1' })]);
          }),
        );
        expect(await listedQueues(queue)).toEqual(listed);
        for (const name of listed) expect(await queue.amend(name, { do: 'remove', id: '1' })).toBe('done');
        await kit.pass(60);
      }
    });

    for (const holds of ['waiting', 'delayed', 'active', 'completed', 'pause'] as const) {
      add(`a queue that holds a job or a pause stays on the list: ${holds}`, async ({ kit, backend }) => {
        const client = queueClient(backend.queue, 'a');
        if (holds === 'pause') await backend.queue.amend('work', { do: 'pause' });
        else await client.push({ id: '1', delayMs: holds === 'delayed' ? 60_000 : 0 });
        if (holds === 'active' || holds === 'completed') await client.claim(1);
        if (holds === 'completed') await client.settle(completed('1'));
        await kit.pass(60);
        await client.sweep({ idleMs: 50 });
        expect(await listedQueues(backend.queue)).toEqual(['work']);
      });
    }

    add('only pushes and pauses list a queue', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.claim(1);
      await client.beat();
      await client.sweep();
      await client.counts();
      await queue.amend('work', { do: 'resume' });
      await queue.amend('work', { do: 'retry', id: '1' });
      expect(await listedQueues(queue)).toEqual([]);
    });

    add('a sweep tells whether jobs are leased, and wakes a waiter when jobs wait', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const { signal } = new AbortController();
      const wait = async () => (await kit.open()).queue.wait(['work'], signal);
      await client.push({ id: '1' });
      await wait();
      expect(await client.sweep()).toMatchObject({ active: false, more: false });
      await wait();
      await client.claim(1);
      expect(await client.sweep()).toMatchObject({ active: true, more: false });
      await client.settle({ id: '1', outcome: 'released', delayMs: 60 });
      await kit.pass(80);
      expect(await client.sweep()).toMatchObject({ active: false });
      await wait();
    });

    add(
      'a worker leaves a queue that left the list, and serves it again when it is back',
      async ({ kit, backend }) => {
        await withBench(kit, backend, async ({ queue, worker, state }) => {
          const left: string[] = [];
          let calls = 0;
          const port = wrapQueue(backend.queue, {
            exchange(name, request) {
              if (name === 'guest') calls += 1;
              if (request.leaseMs === 0) left.push(name);
              return backend.queue.exchange(name, request);
            },
            sweep(name, policy) {
              if (name === 'guest') calls += 1;
              return backend.queue.sweep(name, policy);
            },
          });
          const retention = { ...NOTHING, failed: { count: 10, ms: 60_000 } };
          let runs = 0;
          worker(() => ++runs, { port, leaseMs: 90, idleMs: 150, retention });
          await queue.enqueue(job, { n: 1 }, { queue: 'guest' });
          await kit.eventually('the job has run', () => runs === 1);
          await kit.eventually('the worker has left', () => left.length > 0, 20_000);
          expect(await listedQueues(backend.queue)).toEqual([]);
          await kit.eventually('no call goes to the queue any more', async () => {
            const before = calls;
            await kit.pass(300);
            return calls === before;
          });
          await queue.enqueue(job, { n: 2 }, { queue: 'guest' });
          await kit.eventually('the job has run', () => runs === 2);
          // The handler's own queue was not listed all the while, and was served all the same.
          expect(left).toEqual(['guest']);
          await queue.enqueue(job, { n: 3 });
          await kit.eventually('the job has run', () => runs === 3);
          const { id } = await queue.enqueue(job, { n: 4 }, { queue: 'guest', delayMs: 60_000 });
          await state(id, 'delayed');
        });
      },
      60_000,
    );

    add(
      'a worker serves each of 500 queues, and none with counts of them all',
      async ({ kit, backend }) => {
        await withBench(kit, backend, async ({ queue, worker, events }) => {
          let inspected = 0;
          const port = wrapQueue(backend.queue, {
            inspect(inspection) {
              if (inspection.of !== 'names') inspected += 1;
              return backend.queue.inspect(inspection);
            },
          });
          const ran = new Set<string>();
          const done = () => events.filter((one) => one.type === 'completed').length;
          worker((_, { id }) => ran.add(id).size, { port });
          const names = Array.from({ length: 500 }, (_, n) => nameOf(n));
          const made = await Promise.all(names.map((name) => queue.enqueue(job, { n: 1 }, { queue: name })));
          await kit.eventually('every queue was served', () => done() === 500, 30_000);
          expect([...ran].sort()).toEqual(made.map(({ id }) => id).sort());
          for (const at of [0, 250, 499]) await queue.enqueue(job, { n: 2 }, { queue: nameOf(at) });
          await kit.eventually('three more were served', () => done() === 503);
          expect(inspected).toBe(0);
        });
      },
      60_000,
    );
  });
}
