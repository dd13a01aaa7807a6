import {
  createInlineQueue,
  defineJob,
  type Handler,
  handle,
  handleMany,
  type InlineQueue,
  PortolanError,
} from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { type Case, suite } from './suite.ts';
import { job } from './worker-bench.ts';

const HOUR_MS = 3_600_000;
const slow = defineJob({ ...job, name: 'slow', backoff: { kind: 'fixed', delayMs: HOUR_MS } });
const list = (count: number) => Array.from({ length: count }, (_, n) => ({ data: { n } }));

/** Nothing here lets time pass: whatever waited for a timer of the store or of core would wait for ever under a manual clock. */
function inline({ kit, backend }: Case, handlers: readonly Handler[], concurrency = 50): InlineQueue {
  return createInlineQueue({ port: backend.queue, runtime: kit.runtime, handlers, concurrency });
}

export function inlineQueueSuite(harness: Harness): void {
  suite(harness, 'inline queue', (add) => {
    add('a job has run when it is enqueued', async (test) => {
      const queue = inline(test, [handle(job, ({ n }) => ({ double: n * 2 }))]);
      const { id, created } = await queue.enqueue(job, { n: 21 });
      expect(created).toBe(true);
      expect(await queue.get(id)).toMatchObject({ state: 'completed', attempts: 1, result: { double: 42 } });
      expect(await queue.result(id)).toEqual({ double: 42 });
      const wrong = queue.enqueue(job, { n: 'no' } as unknown as { n: number });
      await expect(wrong).rejects.toMatchObject({ code: 'INVALID' });
    });

    add('a job is tried again at once, and has failed when its attempts are used up', async (test) => {
      const attempts: number[] = [];
      const run = handle(slow, ({ n }, { attempt }) => {
        attempts.push(attempt);
        if (attempt < n) throw new Error('not yet');
        return 'done';
      });
      const queue = inline(test, [run]);
      const third = await queue.enqueue(slow, { n: 3 });
      expect(await queue.get(third.id)).toMatchObject({ state: 'completed', attempts: 3, result: 'done' });
      const never = await queue.enqueue(slow, { n: 9 });
      expect(await queue.get(never.id)).toMatchObject({ state: 'failed', attempts: 3 });
      await expect(queue.result(never.id)).rejects.toMatchObject({ message: 'not yet' });
      expect(attempts).toEqual([1, 2, 3, 1, 2, 3]);
    });

    add('many run as a worker runs them, also in lists', async (test) => {
      const sizes: number[] = [];
      const many = handleMany(job, { most: 20 }, (inputs) => {
        sizes.push(inputs.length);
        return inputs.map(({ n }) => n);
      });
      const queue = inline(test, [many]);
      const made = await queue.enqueueMany(job, list(120));
      const results = await Promise.all(made.map(({ id }) => queue.get(id)));
      expect(results.map((one) => one?.result)).toEqual(list(120).map(({ data }) => data.n));
      expect(Math.max(...sizes)).toBe(20);
    });

    add('a delayed job stays so until it is promoted, or all are run', async (test) => {
      const runs: number[] = [];
      const queue = inline(test, [handle(job, ({ n }) => runs.push(n))]);
      const [first, second] = await queue.enqueueMany(
        job,
        list(2).map((one) => ({ ...one, options: { delayMs: HOUR_MS } })),
      );
      expect(await queue.get(first?.id ?? '')).toMatchObject({ state: 'delayed', attempts: 0 });
      expect(await queue.promote(first?.id ?? '')).toBe('done');
      expect(runs).toEqual([0]);
      await queue.drain();
      expect(await queue.get(second?.id ?? '')).toMatchObject({ state: 'delayed' });
      await queue.drain({ delayed: true });
      expect(runs).toEqual([0, 1]);
    });

    for (const concurrency of [1, 50]) {
      add(`jobs that handlers enqueue have run as well, ${concurrency} at a time`, async (test) => {
        const runs: number[] = [];
        const queue = inline(
          test,
          [
            handle(job, async ({ n }) => {
              if (n < 3) {
                const { id } = await queue.enqueue(job, { n: n + 1 }, { queue: `depth-${n}` });
                expect(await queue.get(id)).toMatchObject({ state: 'completed' });
              }
              runs.push(n);
            }),
          ],
          concurrency,
        );
        await queue.enqueueMany(job, [{ data: { n: 0 } }, { data: { n: 0 } }]);
        expect(runs.toSorted()).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
      });
    }

    add('parents run after their children, over queues', async (test) => {
      const queue = inline(test, [
        handle(job, async ({ n }, { children }) => {
          if (n < 0) throw new PortolanError('FORBIDDEN', 'below zero');
          const parts = Object.values(await children());
          return parts.reduce((sum, { result }) => sum + Number(result), n);
        }),
      ]);
      const leaf = (n: number) => ({ job, data: { n }, options: { queue: 'leaves' } });
      const middle = { job, data: { n: 10 }, children: { a: leaf(1), b: leaf(2) } };
      const flow = await queue.enqueueFlow({ job, data: { n: 100 }, children: { middle, c: leaf(3) } });
      expect(await queue.get(flow.id)).toMatchObject({ state: 'completed', result: 116 });
      const broken = await queue.enqueueFlow({ job, data: { n: 1 }, children: { a: leaf(-1), b: leaf(2) } });
      expect(await queue.get(broken.id)).toMatchObject({ state: 'failed', error: { code: 'FORBIDDEN' } });
      expect(await queue.get(broken.children.b.id)).toMatchObject({ state: 'completed' });
    });

    add('what has no handler stays, and what a pause holds', async (test) => {
      const queue = inline(test, [handle(job, ({ n }) => n)]);
      const unknown = await queue.enqueue(slow, { n: 1 }, { queue: 'else' });
      expect(await queue.get(unknown.id)).toMatchObject({ state: 'waiting', attempts: 0 });
      await queue.pause('work');
      const held = await queue.enqueue(job, { n: 1 });
      expect(await queue.get(held.id)).toMatchObject({ state: 'waiting' });
      await queue.resume('work');
      expect(await queue.get(held.id)).toMatchObject({ state: 'completed' });
      await queue.drain({ delayed: true });
      expect(await queue.get(unknown.id)).toMatchObject({ attempts: 0 });
    });

    add('what failed runs again when it is retried', async (test) => {
      let mended = false;
      const run = () => (mended ? 'mended' : Promise.reject(new PortolanError('CONFLICT', 'broken')));
      const queue = inline(test, [handle(job, run)]);
      const ids = (await queue.enqueueMany(job, list(5))).map(({ id }) => id);
      mended = true;
      expect(await queue.retry(ids[0] ?? '')).toBe('done');
      expect(await queue.get(ids[0] ?? '')).toMatchObject({ state: 'completed' });
      expect(await queue.retryMany(ids.slice(0, 2))).toMatchObject({ retried: 1, refused: 1 });
      expect(await queue.get(ids[1] ?? '')).toMatchObject({ state: 'completed' });
      expect(await queue.retryAll('work')).toMatchObject({ retried: 3 });
      for (const id of ids) expect(await queue.result(id)).toBe('mended');
    });

    add('one dedupe key makes one job', async (test) => {
      const runs: number[] = [];
      const queue = inline(test, [
        handle(job, async ({ n }) => {
          runs.push(n);
          // Its own key is held while it runs: the answer names it, and nothing is waited for.
          if (n === 1) expect((await queue.enqueue(job, { n: 2 }, { dedupeKey: 'k' })).created).toBe(false);
        }),
      ]);
      await queue.enqueue(job, { n: 1 }, { dedupeKey: 'k' });
      expect((await queue.enqueue(job, { n: 3 }, { dedupeKey: 'k' })).created).toBe(true);
      expect(runs).toEqual([1, 3]);
    });
  });
}
