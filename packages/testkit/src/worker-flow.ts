import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';
import { answering, leaf, one, owedOf, sum, withFlows } from './worker-flow-kit.ts';
import { workerFlowMendSuite } from './worker-flow-mend.ts';

/** Flows: parents that wait for their children, over queues and levels, whatever happens between. */
export function workerFlowSuite(harness: Harness): void {
  suite(harness, 'flows', (add) => {
    add('a parent runs when its children have finished, and finds what they answered', async (test) => {
      await withFlows(test, async ({ queue, worker, ended, seen }) => {
        const made = await queue.enqueueFlow({
          job: sum,
          data: {},
          children: { a: one(1), b: one(2, 'sums'), 'ü:c': one(3) },
        });
        expect(Object.keys(made.children)).toEqual(['a', 'b', 'ü:c']);
        expect(await queue.get(made.id)).toMatchObject({ state: 'delayed', awaits: 3, attempts: 0 });
        expect(await queue.get(made.children.a.id)).toMatchObject({ state: 'waiting', parent: made.id });
        expect(await queue.promote(made.id)).toBe('refused');
        worker();
        expect(await ended(made.id)).toMatchObject({ state: 'completed', result: 6 });
        expect(seen).toEqual([
          {
            a: { id: made.children.a.id, state: 'completed', result: 1 },
            b: { id: made.children.b.id, state: 'completed', result: 2 },
            'ü:c': { id: made.children['ü:c'].id, state: 'completed', result: 3 },
          },
        ]);
        expect(await queue.children(made.id)).toEqual(seen[0]);
        expect(await queue.children(made.children.a.id)).toEqual({});
        expect(await queue.children('sums:nobody')).toBeUndefined();
        expect(await owedOf(test.backend.queue, 'leaves')).toBe(0);
      });
    });

    add('three levels over three queues', async (test) => {
      await withFlows(test, async ({ queue, worker, ended }) => {
        worker();
        const middle = (from: number, to: string) => ({
          job: sum,
          data: {},
          options: { queue: to },
          children: { x: one(from), y: one(from + 1, 'sums'), z: one(from + 2, to) },
        });
        const { id } = await queue.enqueueFlow({
          job: sum,
          data: {},
          children: { left: middle(1, 'left'), right: middle(10, 'right'), alone: one(100) },
        });
        expect(await ended(id)).toMatchObject({ state: 'completed', result: 6 + 33 + 100 });
      });
    });

    add(
      '1,000 jobs, 10 deep, and no more of either',
      async (test) => {
        await withFlows(test, async ({ queue, worker, ended }) => {
          const names = Array.from({ length: 990 }, (_, at) => `leaf ${at}`);
          let flow: Parameters<typeof queue.enqueueFlow>[0] = {
            job: sum,
            data: {},
            children: Object.fromEntries(names.map((name) => [name, one(1)])),
          };
          for (let depth = 2; depth < 10; depth += 1) flow = { job: sum, data: {}, children: { below: flow } };
          const tooMany = { ...flow, children: { ...flow.children, more: one(1), evenMore: one(1) } };
          await expect(queue.enqueueFlow(tooMany)).rejects.toMatchObject({ code: 'INVALID' });
          const tooDeep = { job: sum, data: {}, children: { a: { job: sum, data: {}, children: { b: flow } } } };
          await expect(queue.enqueueFlow(tooDeep)).rejects.toMatchObject({ code: 'INVALID' });
          expect(await queue.queues()).toEqual([]);
          worker(answering, { concurrency: 50 });
          const { id } = await queue.enqueueFlow({ ...flow, children: { ...flow.children, more: one(5) } });
          expect(await ended(id)).toMatchObject({ state: 'completed', result: 995 });
        });
      },
      60_000,
    );

    add('refuses what cannot be meant before anything is stored', async (test) => {
      await withFlows(test, async ({ queue }) => {
        const bad = { job: leaf, data: { n: 'no' } as unknown as { n: number } };
        const refused = (flow: unknown) =>
          expect(queue.enqueueFlow(flow as { job: typeof sum; data: Record<string, never> })).rejects.toMatchObject({
            code: 'INVALID',
          });
        await refused({ job: sum, data: {}, children: { good: one(1), bad } });
        await refused({ job: sum, data: {}, children: { '': one(1) } });
        await refused({ job: sum, data: {}, options: { delayMs: 5 }, children: { a: one(1) } });
        await refused({ job: sum, data: {}, children: { a: { ...one(1), options: { dedupeKey: 'k' } } } });
        const wrong = () =>
          queue.enqueueFlow({
            job: sum,
            data: {},
            children: {
              // @ts-expect-error: the data of a child is held to the input of its job.
              a: { job: leaf, data: { n: 'no' } },
            },
          });
        await expect(wrong()).rejects.toMatchObject({
          code: 'INVALID',
          issues: [{ path: ['children', 'a', 'data', 'n'] }],
        });
        expect(await queue.queues()).toEqual([]);
        const alone = await queue.enqueueFlow({ job: sum, data: {}, options: { delayMs: 60_000 }, children: {} });
        expect(await queue.get(alone.id)).toMatchObject({ state: 'delayed', dueAt: expect.any(Number) });
      });
    });

    add('a child that fails for good fails its parent at once, and so on upwards', async (test) => {
      await withFlows(test, async ({ queue, worker, ended, seen }) => {
        const made = await queue.enqueueFlow({
          job: sum,
          data: {},
          options: { queue: 'top' },
          children: {
            below: {
              job: sum,
              data: {},
              children: { bad: one(-1), slow: { ...one(1), options: { delayMs: 3_600_000 } } },
            },
          },
        });
        worker();
        const { below } = made.children;
        expect(await ended(below.id)).toMatchObject({
          state: 'failed',
          error: { code: 'CONFLICT', message: `child "bad" (${below.children.bad.id}) failed: no leaf -1` },
        });
        expect(await ended(made.id)).toMatchObject({ state: 'failed', attempts: 0 });
        expect((await queue.get(made.id))?.error?.message).toContain(`child "below" (${below.id}) failed: child "bad"`);
        await expect(queue.result(made.id)).rejects.toMatchObject({ code: 'CONFLICT' });
        expect(seen).toEqual([]);
        // The others are left alone.
        expect(await queue.children(below.id)).toMatchObject({ bad: { state: 'failed' }, slow: { state: 'delayed' } });
      });
    });

    add('with pass a parent runs all the same and sees what failed', async (test) => {
      await withFlows(test, async ({ queue, worker, ended, seen }) => {
        const made = await queue.enqueueFlow({
          job: sum,
          data: {},
          onChildFailure: 'pass',
          children: { good: one(5), bad: one(-1), stopped: { ...one(1), options: { delayMs: 3_600_000 } } },
        });
        expect(await queue.cancel(made.children.stopped.id)).toBe('cancelled');
        worker();
        expect(await ended(made.id)).toMatchObject({ state: 'completed', result: 5 });
        expect(seen[0]).toEqual({
          good: { id: made.children.good.id, state: 'completed', result: 5 },
          bad: { id: made.children.bad.id, state: 'failed', error: { code: 'CONFLICT', message: 'no leaf -1' } },
          stopped: { id: made.children.stopped.id, state: 'cancelled' },
        });
      });
    });

    for (const change of ['cancel', 'remove'] as const) {
      add(`${change} of a child that waits fails its parent, without a worker`, async (test) => {
        await withFlows(test, async ({ queue }) => {
          const made = await queue.enqueueFlow({ job: sum, data: {}, children: { a: one(1), b: one(2) } });
          await queue[change](made.children.a.id);
          expect(await queue.get(made.id)).toMatchObject({
            state: 'failed',
            error: { code: 'CANCELLED', message: `child "a" (${made.children.a.id}) was cancelled` },
          });
          expect(await queue.get(made.children.b.id)).toMatchObject({ state: 'waiting' });
        });
      });
    }

    add('a child is tried again before it counts as failed', async (test) => {
      await withFlows(test, async ({ queue, worker, ended }) => {
        worker((n, { attempt }) => {
          if (attempt === 1) throw new Error('not yet');
          return n;
        });
        const { id } = await queue.enqueueFlow({
          job: sum,
          data: {},
          children: { a: { ...one(7), options: { attempts: 2 } } },
        });
        expect(await ended(id)).toMatchObject({ state: 'completed', result: 7 });
      });
    });

    add(
      'a failed child that is retried completes its parent once that is retried too, in either order',
      async (test) => {
        await withFlows(test, async ({ queue, worker, ended }) => {
          let mended = false;
          worker((n) => (mended ? Math.abs(n) : answering(n, undefined as never)));
          for (const childFirst of [true, false]) {
            mended = false;
            const made = await queue.enqueueFlow({ job: sum, data: {}, children: { a: one(-1), b: one(2) } });
            expect((await ended(made.id)).state).toBe('failed');
            expect((await ended(made.children.b.id)).state).toBe('completed');
            mended = true;
            const { a } = made.children;
            if (childFirst) {
              await queue.retry(a.id);
              expect((await ended(a.id)).state).toBe('completed');
              expect((await queue.get(made.id))?.state).toBe('failed');
              await queue.retry(made.id);
            } else {
              await queue.retry(made.id);
              expect(await queue.get(made.id)).toMatchObject({ state: 'delayed', awaits: 1 });
              await queue.retry(a.id);
            }
            expect(await ended(made.id)).toMatchObject({ state: 'completed', result: 3 });
          }
        });
      },
    );

    add('a result too large to be handed up is read from the child', async (test) => {
      await withFlows(test, async ({ queue, worker, ended, seen }) => {
        worker((n) => 'x'.repeat(n));
        const { id, children } = await queue.enqueueFlow({
          job: sum,
          data: {},
          children: { large: one(70_000), small: one(1) },
        });
        await ended(id);
        expect(seen[0]).toEqual({
          large: { id: children.large.id, state: 'completed', result: 'x'.repeat(70_000) },
          small: { id: children.small.id, state: 'completed', result: 'x' },
        });
        const parts = (
          await test.backend.queue.inspect({ of: 'parts', queue: 'sums', id: id.slice(5), cursor: null, limit: 9 })
        ).parts;
        expect(parts?.every(({ text }) => text.length < 200)).toBe(true);
        await queue.remove(children.large.id);
        expect(await queue.children(id)).toMatchObject({ large: { state: 'completed' }, small: { result: 'x' } });
        expect((await queue.children(id))?.large).not.toHaveProperty('result');
      });
    });
  });
  workerFlowMendSuite(harness);
}
