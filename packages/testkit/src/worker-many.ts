import {
  failed,
  type Handler,
  handleMany,
  type ManyContext,
  type ManyOptions,
  PortolanError,
  type WorkerOptions,
} from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';
import { type Bench, job, untilAborted, withBench } from './worker-bench.ts';

const many = { ...job, output: z.object({ n: z.number() }) };
const list = (count: number) => Array.from({ length: count }, (_, n) => ({ data: { n } }));
/** Far longer than a test: a list that is to wait for its jobs. */
const LONG_MS = 50_000;

type Input = { readonly n: number };
type Run = (inputs: readonly Input[], context: ManyContext) => unknown;

/** Starts a worker that runs lists of jobs, and takes note of them. */
function start({ worker }: Bench, options: ManyOptions, run: Run, more: Partial<WorkerOptions> = {}) {
  const lists: { readonly inputs: readonly number[]; readonly context: ManyContext }[] = [];
  const handler: Handler = handleMany(many, options, async (inputs, context) => {
    lists.push({ inputs: inputs.map(({ n }) => n), context });
    return (await run(inputs, context)) as Input[];
  });
  return { lists, worker: worker(() => null, { handlers: [handler], ...more }) };
}

/** Handlers that run lists of jobs. */
export function workerManySuite(harness: Harness): void {
  suite(harness, 'lists of jobs', (add) => {
    add('are run together, and each job has its own result', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const made = await bench.queue.enqueueMany(many, list(25));
        const { lists } = start(bench, { most: 10 }, (inputs) => inputs.map(({ n }) => ({ n: n * 2 })));
        for (const [n, { id }] of made.entries()) {
          expect(await bench.state(id, 'completed')).toMatchObject({ result: { n: n * 2 }, attempts: 1 });
        }
        expect(lists.flatMap(({ inputs }) => inputs)).toEqual(list(25).map(({ data }) => data.n));
        // Those that one exchange brought stand together.
        expect(lists.map(({ inputs }) => inputs.length)).toEqual([10, 10, 5]);
        const jobs = lists.flatMap(({ context }) => context.jobs);
        expect(jobs.map(({ id }) => id)).toEqual(made.map(({ id }) => id));
      });
    });

    add('wait for more, until they are full', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const { lists, worker } = start(bench, { most: 3, waitMs: LONG_MS }, (inputs) => inputs);
        const ids: string[] = [];
        for (let n = 0; n < 3; n += 1) {
          expect(lists).toEqual([]);
          ids.push((await bench.queue.enqueue(many, { n })).id);
          if (n < 2) await kit.eventually('it is taken', () => worker.active.length === n + 1);
        }
        for (const id of ids) await bench.state(id, 'completed');
        expect(lists).toMatchObject([{ inputs: [0, 1, 2] }]);
      });
    });

    add('wait for more no longer than they are told', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const { lists } = start(bench, { most: 10, waitMs: 40 }, (inputs) => inputs);
        const { id } = await bench.queue.enqueue(many, { n: 1 });
        await bench.state(id, 'completed');
        expect(lists).toMatchObject([{ inputs: [1] }]);
      });
    });

    add('leave out a job whose input is wrong, and it fails alone', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const lax = { ...many, input: z.unknown() };
        const wrong = await bench.queue.enqueue(lax, { n: 'none' });
        const made = await bench.queue.enqueueMany(many, list(2));
        const { lists } = start(bench, { most: 10 }, (inputs) => inputs);
        for (const { id } of made) await bench.state(id, 'completed');
        expect(await bench.state(wrong.id, 'failed')).toMatchObject({ attempts: 1, error: { code: 'INVALID' } });
        expect(lists.flatMap(({ inputs }) => inputs)).toEqual([0, 1]);
      });
    });

    add('a job fails alone by its output', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const made = await bench.queue.enqueueMany(many, list(4));
        start(bench, { most: 10 }, (inputs) =>
          inputs.map(({ n }) => {
            if (n === 1) return failed(new PortolanError('FORBIDDEN', 'not this one'));
            if (n === 2) return failed(new Error('not yet'));
            return n === 3 ? { n: 'wrong' } : { n };
          }),
        );
        const [fine, forbidden, again, wrong] = made.map(({ id }) => id) as [string, string, string, string];
        expect(await bench.state(fine, 'completed')).toMatchObject({ result: { n: 0 } });
        expect(await bench.state(forbidden, 'failed')).toMatchObject({ attempts: 1, error: { code: 'FORBIDDEN' } });
        expect(await bench.state(again, 'failed')).toMatchObject({ attempts: 3, error: { message: 'not yet' } });
        expect(await bench.state(wrong, 'failed')).toMatchObject({ attempts: 1, error: { code: 'INVALID' } });
      });
    });

    add('fail together when the handler throws, each with attempts of its own', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const made = await bench.queue.enqueueMany(many, [
          { data: { n: 0 }, options: { attempts: 1 } },
          { data: { n: 1 }, options: { attempts: 2 } },
        ]);
        const { lists } = start(bench, { most: 10 }, () => Promise.reject(new Error('no luck')));
        const [once, twice] = made.map(({ id }) => id) as [string, string];
        expect(await bench.state(once, 'failed')).toMatchObject({ attempts: 1, error: { message: 'no luck' } });
        expect(await bench.state(twice, 'failed')).toMatchObject({ attempts: 2, error: { message: 'no luck' } });
        expect(lists).toMatchObject([{ inputs: [0, 1] }, { inputs: [1] }]);
      });
    });

    add('fail for good when the outputs are not as many as the inputs', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const made = await bench.queue.enqueueMany(many, list(2));
        start(bench, { most: 10 }, (inputs) => inputs.slice(1));
        for (const { id } of made) {
          const { attempts, error } = await bench.state(id, 'failed');
          expect(attempts).toBe(1);
          expect(error).toMatchObject({ code: 'INVALID', message: expect.stringContaining('as many outputs') });
        }
      });
    });

    add('go on without a job that is cancelled, and abort when all are', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const made = await bench.queue.enqueueMany(many, list(2));
        const { lists } = start(bench, { most: 10 }, (_, { signal }) => untilAborted(signal), { leaseMs: 300 });
        const [first, second] = made.map(({ id }) => id) as [string, string];
        await kit.eventually('the list runs', () => lists.length === 1);
        expect(await bench.queue.cancel(first)).toBe('asked');
        await bench.state(first, 'cancelled');
        const context = lists[0]?.context as ManyContext;
        expect(context.jobs.map(({ signal }) => signal.aborted)).toEqual([true, false]);
        expect(context.signal.aborted).toBe(false);
        expect(await bench.queue.cancel(second)).toBe('asked');
        await bench.state(second, 'cancelled');
        expect(PortolanError.is(context.signal.reason, 'CANCELLED')).toBe(true);
      });
    });

    add('that wait lose a job that is cancelled, and wait for another in its place', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const options = { most: 3, waitMs: LONG_MS };
        const { lists, worker } = start(bench, options, (inputs) => inputs, { leaseMs: 300 });
        const made = await bench.queue.enqueueMany(many, list(2));
        await kit.eventually('both are taken', () => worker.active.length === 2);
        expect(await bench.queue.cancel(made[0]?.id ?? '')).toBe('asked');
        await bench.state(made[0]?.id ?? '', 'cancelled');
        await bench.queue.enqueueMany(many, [{ data: { n: 2 } }, { data: { n: 3 } }]);
        await bench.state(made[1]?.id ?? '', 'completed');
        expect(lists).toMatchObject([{ inputs: [1, 2, 3] }]);
      });
    });

    add('end at the timeout of their jobs', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const reasons: unknown[] = [];
        const handler = handleMany({ ...many, timeoutMs: 60 }, { most: 5 }, (_, { signal }) => {
          signal.addEventListener('abort', () => reasons.push(signal.reason));
          return new Promise<never>(() => undefined);
        });
        const made = await bench.queue.enqueueMany(
          many,
          list(2).map((one) => ({ ...one, options: { attempts: 1 } })),
        );
        bench.worker(() => null, { handlers: [handler] });
        for (const { id } of made)
          expect(await bench.state(id, 'failed')).toMatchObject({ error: { code: 'TIMEOUT' } });
        expect(reasons).toMatchObject([{ code: 'TIMEOUT' }]);
      });
    });

    add('that wait when the worker stops hand their jobs back uncounted', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const { lists, worker } = start(bench, { most: 3, waitMs: LONG_MS }, (inputs) => inputs);
        const made = await bench.queue.enqueueMany(many, list(2));
        await kit.eventually('both are taken', () => worker.active.length === 2);
        let stopped = false;
        void worker.stop({ graceMs: 20 }).then(() => (stopped = true));
        await kit.eventually('the worker has stopped', () => stopped);
        for (const { id } of made) expect(await bench.queue.get(id)).toMatchObject({ state: 'waiting', attempts: 0 });
        expect(lists).toEqual([]);
      });
    });

    add('run apart for each worker, though they share a handler', async ({ kit, backend }) => {
      await withBench(kit, backend, async (bench) => {
        const lists: ManyContext[] = [];
        const handler = handleMany(many, { most: 10, waitMs: 30 }, (inputs, context) => {
          lists.push(context);
          return [...inputs];
        });
        const [one, other] = await bench.queue.enqueueMany(many, [
          { data: { n: 1 } },
          { data: { n: 2 }, options: { queue: 'other' } },
        ]);
        bench.worker(() => null, { handlers: [handler], queues: ['work'] });
        bench.worker(() => null, { handlers: [handler], queues: ['other'] });
        await bench.state(one?.id ?? '', 'completed');
        await bench.state(other?.id ?? '', 'completed');
        expect(lists.map(({ jobs }) => jobs.map(({ queue }) => queue)).sort()).toEqual([['other'], ['work']]);
      });
    });
  });
}
