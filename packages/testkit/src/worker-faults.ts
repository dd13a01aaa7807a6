import { PortolanError, type QueuePort } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { queueClient } from './queue-client.ts';
import { suite } from './suite.ts';
import { job, withBench, wrapQueue } from './worker-bench.ts';

const away = (): PortolanError => new PortolanError('UNAVAILABLE', 'the store is away');

/** Every `every`-th exchange is done, but its reply is dropped. */
function dropReplies(port: QueuePort, every: number): QueuePort & { readonly dropped: () => number } {
  let calls = 0;
  let dropped = 0;
  const wrapped = wrapQueue(port, {
    async exchange(...args) {
      const result = await port.exchange(...args);
      calls += 1;
      if (calls % every !== 0) return result;
      dropped += 1;
      throw away();
    },
  });
  return { ...wrapped, dropped: () => dropped };
}

/** The port of one worker, which can be cut off. */
function severable(port: QueuePort): QueuePort & { up: boolean } {
  async function call<T>(run: () => Promise<T>): Promise<T> {
    if (!severed.up) throw away();
    return run();
  }
  const severed = {
    ...wrapQueue(port, {
      exchange: (...args) => call(() => port.exchange(...args)),
      beat: (...args) => call(() => port.beat(...args)),
      sweep: (...args) => call(() => port.sweep(...args)),
    }),
    up: true,
  };
  return severed;
}

/** What a worker does when the store, its connection or a neighbour fails. */
export function workerFaultSuite(harness: Harness): void {
  suite(harness, 'worker faults', (add) => {
    add('dropped replies lose no job and run none twice', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, events }) => {
        const runs = new Map<number, number>();
        const port = dropReplies(backend.queue, 3);
        for (let n = 0; n < 2; n += 1) {
          worker((data) => runs.set(data.n, (runs.get(data.n) ?? 0) + 1) && null, { port, concurrency: 5 });
        }
        const list = Array.from({ length: 100 }, (_, n) => ({ data: { n } }));
        await queue.enqueueMany(job, list);
        await kit.eventually('all completed', () => events.filter((one) => one.type === 'completed').length === 100);
        expect([...runs.values()]).toEqual(list.map(() => 1));
        expect(port.dropped()).toBeGreaterThan(3);
        expect((await queue.queues())[0]?.counts).toMatchObject({ waiting: 0, active: 0, completed: 100 });
      });
    });

    add('an enqueue whose reply was dropped makes one job', async ({ kit, backend }) => {
      let drops = 1;
      const port = wrapQueue(backend.queue, {
        async push(...args) {
          const pushed = await backend.queue.push(...args);
          if (drops-- > 0) throw away();
          return pushed;
        },
      });
      await withBench(kit, { ...backend, queue: port }, async ({ queue }) => {
        const made = queue.enqueue(job, { n: 1 });
        await kit.pass(60);
        const { id, created } = await made;
        expect(created).toBe(true);
        const page = await queue.list({ queue: 'work', state: 'waiting' });
        expect(page.jobs.map((one) => one.id)).toEqual([id]);
      });
    });

    add('a result is kept until the store is back', async ({ kit, backend }) => {
      const port = severable(backend.queue);
      await withBench(kit, backend, async ({ queue, worker, event, events, state }) => {
        const gate = Promise.withResolvers<string>();
        worker(() => gate.promise, { port });
        const { id } = await queue.enqueue(job, { n: 1 });
        await event('taken');
        port.up = false;
        gate.resolve('precious');
        await kit.pass(200);
        expect(events.map((one) => one.type)).toEqual(['taken']);
        port.up = true;
        expect(await state(id, 'completed')).toMatchObject({ result: 'precious', attempts: 1 });
        const next = await queue.enqueue(job, { n: 2 });
        await state(next.id, 'completed');
      });
    });

    add('a worker that vanishes has its jobs run elsewhere', async ({ kit, backend }) => {
      const gone = queueClient(backend.queue, 'gone');
      await withBench(kit, backend, async ({ queue, worker, event, state }) => {
        const { id } = await queue.enqueue(job, { n: 1 }, { attempts: 1 });
        expect((await gone.exchange({ claim: 1, leaseMs: 100 })).jobs).toHaveLength(1);
        worker((_, { attempt }) => attempt, { leaseMs: 150 });
        expect(await event('recovered')).toMatchObject({ id, queue: 'work' });
        expect(await state(id, 'completed')).toMatchObject({ attempts: 2, result: 2 });
      });
    });

    add('a worker whose lease was lost aborts, reports it and takes new work', async ({ kit, backend }) => {
      const port = severable(backend.queue);
      const other = queueClient(backend.queue, 'other');
      await withBench(kit, backend, async ({ queue, worker, event, events, state }) => {
        const reasons: unknown[] = [];
        const first = Promise.withResolvers<string>();
        worker(
          ({ n }, { signal }) => {
            signal.addEventListener('abort', () => reasons.push(signal.reason));
            return n === 1 ? first.promise : 'second';
          },
          { port, leaseMs: 150, queues: ['work'] },
        );
        const { id } = await queue.enqueue(job, { n: 1 });
        await event('taken');
        port.up = false;
        await kit.eventually('the lease ends', async () => (await other.sweep()).recovered.length > 0);
        expect(await other.claim(1)).toHaveLength(1);
        port.up = true;
        expect(await event('lost')).toMatchObject({ id, attempt: 1 });
        expect(reasons).toHaveLength(1);
        first.resolve('too late');
        const next = await queue.enqueue(job, { n: 2 });
        await state(next.id, 'completed');
        expect(await queue.get(id)).toMatchObject({ state: 'active', attempts: 2 });
        expect(events.filter((one) => one.type === 'completed')).toMatchObject([{ id: next.id }]);
      });
    });

    add('a late settle is refused and reported as lost', async ({ kit, backend }) => {
      const port = severable(backend.queue);
      const other = queueClient(backend.queue, 'other');
      await withBench(kit, backend, async ({ queue, worker, event, events }) => {
        const gate = Promise.withResolvers<string>();
        worker(() => gate.promise, { port, leaseMs: 60, queues: ['work'] });
        const { id } = await queue.enqueue(job, { n: 1 });
        await event('taken');
        port.up = false;
        await kit.eventually('the lease ends', async () => (await other.sweep()).recovered.length > 0);
        expect(await other.claim(1)).toHaveLength(1);
        gate.resolve('too late');
        await kit.pass(5);
        port.up = true;
        await event('lost');
        expect(events.map((one) => one.type)).toEqual(['taken', 'lost']);
        expect(await queue.get(id)).toMatchObject({ state: 'active', attempts: 2 });
      });
    });

    add(
      'a settle whose reply was lost is reported as the store decided, though the session has ended since',
      async (at) => {
        const { kit, backend } = at;
        const up = { exchange: true, beat: true };
        let drops = 1;
        const port = wrapQueue(backend.queue, {
          async exchange(...args) {
            if (!up.exchange) throw away();
            const result = await backend.queue.exchange(...args);
            if (args[1].settled.length === 0 || drops-- <= 0) return result;
            up.exchange = false;
            up.beat = false;
            throw away();
          },
          async beat(...args) {
            if (!up.beat) throw away();
            const told = await backend.queue.beat(...args);
            up.exchange = true;
            return told;
          },
        });
        const other = queueClient(backend.queue, 'other');
        await withBench(kit, backend, async ({ queue, worker, event, events }) => {
          const never = Promise.withResolvers<string>();
          worker(({ n }) => (n === 1 ? 'done' : never.promise), { port, leaseMs: 150, queues: ['work'] });
          const held = await queue.enqueue(job, { n: 2 });
          await event('taken');
          const settled = await queue.enqueue(job, { n: 1 });
          await kit.eventually('the lease ends', async () => (await other.sweep()).recovered.length > 0);
          expect(up).toEqual({ exchange: false, beat: false });
          await other.claim(1);
          up.beat = true;
          await event('lost');
          await event('completed');
          const of = (id: string) => events.filter((one) => one.id === id).map((one) => one.type);
          expect(of(settled.id)).toEqual(['taken', 'completed']);
          expect(of(held.id)).toEqual(['taken', 'lost']);
        });
      },
    );

    add('a poison job ends after its stalls', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, event, events }) => {
        const { id } = await queue.enqueue(job, { n: 1 });
        await queueClient(backend.queue, 'victim').exchange({ claim: 1, leaseMs: 30 });
        worker(() => null, { maxStalls: 0, leaseMs: 60 });
        expect(await event('stalled')).toMatchObject({ id });
        expect(await queue.get(id)).toMatchObject({ state: 'failed', error: { code: 'INTERNAL' } });
        expect(events.some((one) => one.type === 'taken')).toBe(false);
      });
    });

    add('stop ends although the store is away', async ({ kit, backend }) => {
      const port = severable(backend.queue);
      await withBench(kit, backend, async ({ queue, worker, event }) => {
        const stopping = worker(() => new Promise(() => undefined), { port, leaseMs: 100 });
        await queue.enqueue(job, { n: 1 });
        await event('taken');
        port.up = false;
        let stopped = false;
        void stopping.stop({ graceMs: 50 }).then(() => (stopped = true));
        await kit.eventually('the worker has stopped', () => stopped);
      });
    });
  });
}
