import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';
import { job, untilAborted, withBench, wrapQueue } from './worker-bench.ts';

/** How a worker shares its slots, stops, and shares work with other workers. */
export function workerSlotsSuite(harness: Harness): void {
  suite(harness, 'worker slots', (add) => {
    add('never runs more at a time than its concurrency, and serves every queue', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        let running = 0;
        let most = 0;
        const options = (n: number) => ({ queue: `q${n % 3}` });
        const list = Array.from({ length: 60 }, (_, n) => ({ data: { n }, options: options(n) }));
        const made = await queue.enqueueMany(job, list);
        worker(
          async () => {
            running += 1;
            most = Math.max(most, running);
            await kit.runtime.sleep(3);
            running -= 1;
          },
          { concurrency: 4, queues: ['q0', 'q1', 'q2'] },
        );
        for (const { id } of made) await state(id, 'completed');
        expect(most).toBe(4);
      });
    });

    add('a burst is shared by the workers that stand idle', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, event }) => {
        const gate = Promise.withResolvers<void>();
        const workers = [1, 2].map(() => worker(() => gate.promise, { concurrency: 20 }));
        await queue.enqueueMany(
          job,
          Array.from({ length: 20 }, (_, n) => ({ data: { n } })),
        );
        const running = () => workers.map(({ active }) => active.length);
        await kit.eventually('all run', () => running().reduce((sum, n) => sum + n) === 20);
        expect(Math.min(...running())).toBeGreaterThan(0);
        gate.resolve();
        await event('completed');
      });
    });

    add('stops after what it runs, and hands the rest back uncounted', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, events, state }) => {
        const gate = Promise.withResolvers<void>();
        const signals: AbortSignal[] = [];
        const stopping = worker(
          ({ n }, { signal }) => {
            signals.push(signal);
            return n === 1 ? gate.promise : untilAborted(signal);
          },
          { concurrency: 2 },
        );
        const [quick, slow, third] = await queue.enqueueMany(job, [
          { data: { n: 1 } },
          { data: { n: 2 } },
          { data: { n: 3 } },
        ]);
        await kit.eventually('both run', () => signals.length === 2);
        let stopped = false;
        const stop = stopping.stop({ graceMs: 100 }).then(() => (stopped = true));
        gate.resolve();
        expect(await state(quick?.id ?? '', 'completed')).toMatchObject({ attempts: 1 });
        await kit.eventually('the worker has stopped', () => stopped);
        await stop;
        expect(await queue.get(slow?.id ?? '')).toMatchObject({ state: 'waiting', attempts: 0 });
        expect(await queue.get(third?.id ?? '')).toMatchObject({ state: 'waiting', attempts: 0 });
        expect(events.map((event) => event.type).sort()).toEqual(['completed', 'released', 'taken', 'taken']);
        expect(stopping.active).toEqual([]);
        const attempts: number[] = [];
        worker((_, { attempt }) => attempts.push(attempt));
        await state(slow?.id ?? '', 'completed');
        await state(third?.id ?? '', 'completed');
        expect(attempts).toEqual([1, 1]);
      });
    });

    add('quiet, it ends what it runs and takes no more until it resumes', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, events, state }) => {
        const gate = Promise.withResolvers<string>();
        const first = worker(({ n }) => (n === 1 ? gate.promise : 'first'), {
          queues: ['work', 'more'],
          concurrency: 5,
        });
        expect([first.state, first.queues]).toEqual(['running', ['more', 'work']]);
        const held = await queue.enqueue(job, { n: 1 });
        await state(held.id, 'active');
        first.quiet();
        first.quiet();
        expect(first.state).toBe('quiet');
        const left = await queue.enqueueMany(job, [{ data: { n: 2 } }, { data: { n: 3 }, options: { queue: 'more' } }]);
        gate.resolve('ended');
        expect(await state(held.id, 'completed')).toMatchObject({ result: 'ended', attempts: 1 });
        await kit.pass(200);
        for (const { id } of left) expect(await queue.get(id)).toMatchObject({ state: 'waiting', attempts: 0 });
        first.resume();
        first.resume();
        expect(first.state).toBe('running');
        for (const { id } of left) expect(await state(id, 'completed')).toMatchObject({ result: 'first', attempts: 1 });
        expect(events.filter(({ type }) => type === 'taken')).toHaveLength(3);
        first.quiet();
        const stopped = first.stop();
        expect(first.state).toBe('stopping');
        first.resume();
        expect(first.state).toBe('stopping');
        await stopped;
      });
    });

    add('a worker that turns quiet leaves the job it was told of to another, at once', async ({ kit, backend }) => {
      const other = await kit.open();
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        const ran: string[] = [];
        const first = worker(() => ran.push('first'), { queues: ['work'] });
        worker(() => ran.push('second'), { queues: ['work'], port: wrapQueue(other.queue, {}) });
        for (let round = 0; round < 10; round += 1) {
          const { id } = await queue.enqueue(job, { n: round });
          if (round % 2 === 0) first.quiet();
          await kit.eventually('somebody ran it', async () => (await queue.get(id))?.state === 'completed', 1_500);
          first.quiet();
          const before = ran.length;
          await state((await queue.enqueue(job, { n: round })).id, 'completed');
          expect(ran.slice(before)).toEqual(['second']);
          first.resume();
        }
      });
    });

    add('1,000 jobs over four workers run once each', async ({ kit, backend }) => {
      const other = await kit.open();
      await withBench(kit, backend, async ({ queue, worker, events }) => {
        const runs = new Map<number, number>();
        const run = ({ n }: { n: number }): number => {
          runs.set(n, (runs.get(n) ?? 0) + 1);
          return n;
        };
        for (const port of [backend.queue, other.queue, backend.queue, other.queue]) {
          worker(run, { port: wrapQueue(port, {}), concurrency: 20 });
        }
        const list = Array.from({ length: 1_000 }, (_, n) => ({ data: { n } }));
        await queue.enqueueMany(job, list);
        await kit.eventually('all completed', () => events.filter((one) => one.type === 'completed').length === 1_000);
        expect([...runs.values()]).toEqual(list.map(() => 1));
        expect((await queue.queues())[0]?.counts).toMatchObject({ waiting: 0, active: 0, completed: 1_000, failed: 0 });
      });
    });
  });
}
