import { expect } from 'vitest';
import type { Harness, Kit } from './harness.ts';
import { suite } from './suite.ts';
import { type Bench, job, withBench, wrapQueue } from './worker-bench.ts';

/** More quick jobs than it takes to trust the next. */
const QUICK = 60;

/** How a worker of few slots claims ahead of them while its jobs are quick. */
export function workerAheadSuite(harness: Harness): void {
  suite(harness, 'worker ahead', (add) => {
    const enqueue = ({ queue }: Bench, count: number) =>
      queue.enqueueMany(
        job,
        Array.from({ length: count }, (_, n) => ({ data: { n } })),
      );

    /** One runs, and none that is behind it is leased. */
    const restWaits = (kit: Kit, { queue }: Bench) =>
      kit.eventually('the rest waits', async () => {
        const [found] = await queue.queues();
        return found?.counts.active === 1 && found.counts.waiting === 19;
      });

    add(
      'one slot does several quick jobs in a round trip, one at a time and in their order',
      async ({ kit, backend }) => {
        await withBench(kit, backend, async (bench) => {
          const made = await enqueue(bench, 300);
          let exchanges = 0;
          const port = wrapQueue(backend.queue, {
            exchange: (...args) => {
              exchanges += 1;
              return backend.queue.exchange(...args);
            },
          });
          const order: number[] = [];
          let running = 0;
          const run = async ({ n }: { n: number }) => {
            running += 1;
            expect(running).toBe(1);
            order.push(n);
            await undefined;
            running -= 1;
          };
          // To this worker every run is quick, however busy the machine is.
          const now = kit.runtime.clock.now();
          const runtime = { ...kit.runtime, clock: { now: () => now } };
          bench.worker(run, { concurrency: 1, queues: ['work'], port, runtime });
          for (const { id } of made) expect(await bench.state(id, 'completed')).toMatchObject({ attempts: 1 });
          expect(order).toEqual(made.map((_, n) => n));
          expect(exchanges).toBeLessThan(250);
          expect(bench.events.filter(({ type }) => type === 'taken').length).toBeGreaterThanOrEqual(300);
        });
      },
    );

    add('a long job after quick ones leaves those behind it to other workers', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const gate = Promise.withResolvers<void>();
        const made = await enqueue(bench, QUICK + 20);
        const first = bench.worker(({ n }) => (n === QUICK ? gate.promise : undefined), { concurrency: 1 });
        await restWaits(kit, bench);
        const others: number[] = [];
        bench.worker(({ n }) => others.push(n), { concurrency: 1, port: wrapQueue(backend.queue, {}) });
        for (const { id } of made.slice(QUICK + 1)) {
          expect(await bench.state(id, 'completed')).toMatchObject({ attempts: 1 });
        }
        expect(others).toEqual(Array.from({ length: 19 }, (_, n) => QUICK + 1 + n));
        expect(first.active.map(({ id }) => id)).toEqual([made[QUICK]?.id]);
        gate.resolve();
        await bench.state(made[QUICK]?.id ?? '', 'completed');
      });
    });

    add(
      'what waits in hand is handed back by a worker that turns quiet, and cancelled for who asks',
      async ({ kit, backend }) => {
        await withBench(kit, backend, async (bench) => {
          const gate = Promise.withResolvers<void>();
          const made = await enqueue(bench, QUICK + 20);
          const worker = bench.worker(
            ({ n }) => {
              if (n !== QUICK) return undefined;
              worker.quiet();
              return gate.promise;
            },
            { concurrency: 1, queues: ['work'] },
          );
          await restWaits(kit, bench);
          expect(await bench.queue.cancel(made[QUICK + 3]?.id ?? '')).toBe('cancelled');
          gate.resolve();
          await bench.state(made[QUICK]?.id ?? '', 'completed');
          worker.resume();
          await bench.state(made.at(-1)?.id ?? '', 'completed');
          expect(await bench.queue.get(made[QUICK + 3]?.id ?? '')).toMatchObject({ state: 'cancelled' });
        });
      },
    );
  });
}
