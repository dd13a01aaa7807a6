import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';
import { type Bench, one, sum, withFlows } from './worker-flow-kit.ts';

async function failedFlow({ queue, ended }: Bench) {
  const made = await queue.enqueueFlow({ job: sum, data: {}, children: { a: one(-1), b: one(2) } });
  expect((await ended(made.id)).state).toBe('failed');
  return { parent: made.id, child: made.children.a.id };
}

/** Failed flows whose failed child is no longer kept: nothing waits for it for ever. */
export function workerFlowMendSuite(harness: Harness): void {
  suite(harness, 'flows to mend', (add) => {
    add('a parent is not retried when the child that failed it is gone', async (test) => {
      await withFlows(test, async (bench) => {
        const { queue, worker } = bench;
        worker();
        const { parent, child } = await failedFlow(bench);
        expect(await queue.remove(child)).toBe('done');
        const refusal = { code: 'CONFLICT', message: expect.stringContaining(`child "a" (${child})`) };
        await expect(queue.retry(parent)).rejects.toMatchObject(refusal);
        await expect(queue.retry(parent, { job: sum, data: {} })).rejects.toMatchObject(refusal);
        expect((await queue.get(parent))?.state).toBe('failed');
        expect(await queue.retryMany([parent])).toEqual({ retried: 0, refused: 1, missing: 0 });
      });
    });

    add('all that failed are retried but those, each of which is looked at once', async (test) => {
      await withFlows(test, async (bench) => {
        const { queue, worker, ended } = bench;
        let mended = false;
        worker((n) => {
          if (n < 0 && !mended) throw new Error('not yet');
          return Math.abs(n);
        });
        const first = await failedFlow(bench);
        const lost = [await failedFlow(bench), await failedFlow(bench)];
        const last = await failedFlow(bench);
        for (const { child } of lost) await queue.remove(child);
        mended = true;
        expect(await queue.retryAll('sums')).toEqual({ retried: 2, refused: 2, missing: 0 });
        expect(await queue.retryAll('leaves')).toEqual({ retried: 2, refused: 0, missing: 0 });
        for (const { parent } of [first, last])
          expect(await ended(parent)).toMatchObject({ state: 'completed', result: 3 });
        for (const { parent } of lost) expect((await queue.get(parent))?.state).toBe('failed');
      });
    });

    for (const many of [false, true]) {
      add(
        `a parent that was retried first fails anew when its child is removed${many ? ' among many' : ''}`,
        async (test) => {
          await withFlows(test, async (bench) => {
            const { queue, worker } = bench;
            worker();
            const { parent, child } = await failedFlow(bench);
            expect(await queue.retry(parent)).toBe('done');
            expect(await queue.get(parent)).toMatchObject({ state: 'delayed', awaits: 1 });
            if (many) expect(await queue.removeMany([child])).toEqual({ removed: 1, refused: 0, missing: 0 });
            else expect(await queue.remove(child)).toBe('done');
            expect(await queue.get(parent)).toMatchObject({
              state: 'failed',
              error: { code: 'CANCELLED', message: `child "a" (${child}) was removed` },
            });
            await expect(queue.retry(parent)).rejects.toMatchObject({ code: 'CONFLICT' });
          });
        },
      );
    }
  });
}
