import { createQueue, type QueuePort } from '@portolan/core';
import { expect } from 'vitest';
import { chaos } from './chaos.ts';
import type { Harness } from './harness.ts';
import { KEEP, queueClient } from './queue-client.ts';
import { suite } from './suite.ts';
import { answering, one, owedOf, sum, withFlows } from './worker-flow-kit.ts';

/** Flows whose workers vanish and whose calls fail, at each step between a child and its parent. */
export function workerFlowFaultSuite(harness: Harness): void {
  suite(harness, 'flow faults', (add) => {
    add('a child whose worker vanishes runs elsewhere, or fails for good and with it the parent', async (test) => {
      const { backend } = test;
      await withFlows(test, async ({ queue, worker, ended }) => {
        const gone = queueClient(backend.queue, 'gone', 'leaves');
        const saved = await queue.enqueueFlow({ job: sum, data: {}, children: { a: one(4) } });
        expect((await gone.exchange({ claim: 1, leaseMs: 30 })).jobs).toHaveLength(1);
        worker();
        expect(await ended(saved.id)).toMatchObject({ state: 'completed', result: 4 });
      });
      await withFlows(test, async ({ queue, worker, ended }) => {
        const gone = queueClient(backend.queue, 'gone again', 'poisoned');
        const lost = await queue.enqueueFlow({ job: sum, data: {}, children: { a: one(4, 'poisoned') } });
        expect((await gone.exchange({ claim: 1, leaseMs: 30 })).jobs).toHaveLength(1);
        worker(answering, { maxStalls: 0 });
        const { state, error } = await ended(lost.id);
        expect(state).toBe('failed');
        expect(JSON.stringify(error)).toContain(`child \\"a\\" (${lost.children.a.id}) failed: its worker vanished`);
      });
    });

    add('what was not delivered after it was settled is delivered after a sweep', async (test) => {
      const { backend } = test;
      const port = chaos(backend.queue);
      port.on('amend', (_, { do: what }) => what === 'deliver').fail(1);
      port.on('amend', (_, { do: what }) => what === 'deliver').dropReply(2);
      port.on('amend', (_, { do: what }) => what === 'strike').dropReply(1);
      await withFlows(test, async ({ queue, worker, ended, seen }) => {
        worker(answering, { port: port.target });
        const { id } = await queue.enqueueFlow({ job: sum, data: {}, children: { a: one(1), b: one(2) } });
        expect(await ended(id)).toMatchObject({ state: 'completed', result: 3 });
        expect(seen).toHaveLength(1);
        await test.kit.eventually('nothing is owed', async () => (await owedOf(backend.queue, 'leaves')) === 0);
      });
      port.heal();
    });

    add('children may complete before their parent is stored', async (test) => {
      const { backend, kit } = test;
      const port = chaos(backend.queue);
      const parent = port.on('push', (queue) => queue === 'sums').hold();
      const queue = createQueue({ port: port.target, runtime: kit.runtime });
      await withFlows(test, async ({ worker, ended }) => {
        worker();
        const making = queue.enqueueFlow({ job: sum, data: {}, children: { a: one(1), b: one(2) } });
        await parent.reached;
        await kit.eventually('both have completed', async () => {
          const { counts } = (await backend.queue.inspect({ of: 'jobs', queue: 'leaves', ids: [] })).queues[0] ?? {};
          return counts?.completed === 2;
        });
        parent.release();
        const { id } = await making;
        expect(await ended(id)).toMatchObject({ state: 'completed', result: 3 });
      });
    });

    add('a flow whose replies were lost is made once', async (test) => {
      const { backend, kit } = test;
      const port = chaos(backend.queue);
      port.on('push').dropReply(1);
      port.on('push', (queue) => queue === 'sums').dropReply(1);
      const queue = createQueue({ port: port.target, runtime: kit.runtime });
      await withFlows(test, async ({ worker, ended, seen }) => {
        worker();
        const making = queue.enqueueFlow({ job: sum, data: {}, children: { a: one(1), b: one(2) } });
        let made: { readonly id: string } | undefined;
        void making.then((flow) => (made = flow));
        const { id } = await kit.eventually('it is made', () => made);
        expect(await ended(id)).toMatchObject({ state: 'completed', result: 3 });
        expect(seen).toHaveLength(1);
        for (const [name, count] of [
          ['leaves', 2],
          ['sums', 1],
        ] as const) {
          const { counts } = (await backend.queue.inspect({ of: 'jobs', queue: name, ids: [] })).queues[0] ?? {};
          expect(counts).toMatchObject({ completed: count, waiting: 0, delayed: 0 });
        }
      });
    });

    add('what is owed to a parent that is gone is struck off in the end', async (test) => {
      const { backend, kit } = test;
      await withFlows(test, async ({ queue, worker, ended }) => {
        const made = await queue.enqueueFlow({ job: sum, data: {}, children: { a: one(1) } });
        await queue.remove(made.id);
        const hasty: QueuePort = {
          ...backend.queue,
          // As seen an hour later.
          inspect: async (inspection) => {
            const found = await backend.queue.inspect(inspection);
            return found.owed
              ? { ...found, owed: found.owed.map((entry) => ({ ...entry, missedMs: 3_600_000 })) }
              : found;
          },
        };
        worker(answering, { port: hasty });
        expect((await ended(made.children.a.id)).state).toBe('completed');
        await kit.eventually('nothing is owed', async () => (await owedOf(backend.queue, 'leaves')) === 0);
        const { owes } = await queueClient(backend.queue, 'x', 'leaves').sweep({ retention: KEEP });
        expect(owes).toBe(false);
      });
    });
  });
}
