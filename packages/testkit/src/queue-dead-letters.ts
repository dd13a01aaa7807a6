import { createQueue, type Queue, type QueuePort } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness, Kit } from './harness.ts';
import { completed, failed, type QueueClient, queueClient } from './queue-client.ts';
import { suite } from './suite.ts';
import { wrapQueue } from './worker-bench.ts';

/** As core writes it, so that core's lists can read it. */
const body = '{"name":"test.job","attempts":1,"createdAt":1,"data":null}';
const ids = (count: number, prefix = 'job'): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${String(n).padStart(4, '0')}`);

/** Jobs that have failed, in this order; each hundred in a millisecond of its own. */
async function fail(kit: Kit, client: QueueClient, names: readonly string[]): Promise<void> {
  for (let at = 0; at < names.length; at += 100) {
    const some = names.slice(at, at + 100);
    await client.push(...some.map((id) => ({ id, body })));
    const claimed = await client.claim(some.length);
    await client.settle(...claimed.map(failed));
    await kit.pass(2);
  }
}

/** The port of a queue whose jobs fail again as soon as they are retried. Counts the retries of each. */
function failing(port: QueuePort, kit: Kit, meanwhile: () => Promise<unknown>): [Queue, Map<string, number>] {
  const worker = queueClient(port, 'worker');
  const retries = new Map<string, number>();
  const wrapped = wrapQueue(port, {
    async amend(queue, amendment) {
      const amended = await port.amend(queue, amendment);
      if (amendment.do === 'retry' && amended === 'done') {
        retries.set(amendment.id, (retries.get(amendment.id) ?? 0) + 1);
        await worker.settle(...(await worker.claim(1)).map(failed));
      }
      return amended;
    },
    async inspect(inspection) {
      await meanwhile();
      return port.inspect(inspection);
    },
  });
  return [createQueue({ port: wrapped, runtime: kit.runtime }), retries];
}

/** Many finished jobs retried or removed in one call. */
export function deadLetterSuite(harness: Harness): void {
  suite(harness, 'dead letters', (add) => {
    add('many are retried by their ids, and counted', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      await fail(kit, client, ids(120));
      await client.push({ id: 'good', body }, { id: 'waits', body });
      await client.settle(...(await client.claim(1)).map((id) => completed(id)));
      const asked = [...ids(120), 'good', 'waits', 'none'].map((id) => `work:${id}`);
      await expect(queue.retryMany([...asked, 'nonsense'])).rejects.toMatchObject({ code: 'INVALID' });
      expect(await client.counts()).toMatchObject({ failed: 120 });
      expect(await queue.retryMany(asked)).toEqual({ retried: 120, refused: 2, missing: 1 });
      expect(await queue.retryMany([])).toEqual({ retried: 0, refused: 0, missing: 0 });
      expect(await client.claim(200)).toEqual(['waits', ...ids(120)]);
    });

    add('many are removed by their ids, and counted', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      await fail(kit, client, ids(3));
      await client.push({ id: 'runs', body });
      await client.claim(1);
      const asked = [...ids(3), 'runs', 'none'].map((id) => `work:${id}`);
      expect(await queue.removeMany(asked)).toEqual({ removed: 3, refused: 1, missing: 1 });
      expect(await client.counts()).toMatchObject({ failed: 0, active: 1 });
    });

    add('all that failed are retried, page by page; those that were cancelled are not', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      expect(await queue.retryAll('work')).toEqual({ retried: 0, refused: 0, missing: 0 });
      await fail(kit, client, ids(330));
      await client.push({ id: 'ended', body });
      await queue.cancel('work:ended');
      expect(await queue.retryAll('work')).toEqual({ retried: 330, refused: 0, missing: 0 });
      expect(await client.counts()).toMatchObject({ waiting: 330, failed: 0, cancelled: 1 });
      expect(await queue.retryAll('work', { state: 'cancelled' })).toMatchObject({ retried: 1 });
      expect(await client.counts()).toMatchObject({ waiting: 331, cancelled: 0 });
    });

    add('as many as the limit says, those that failed last', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      await fail(kit, client, ids(300));
      expect(await queue.retryAll('work', { limit: 130 })).toMatchObject({ retried: 130 });
      expect((await client.claim(200)).sort()).toEqual(ids(300).slice(170));
      for (const wrong of [{ limit: 0 }, { limit: 1.5 }, { state: 'completed' as 'failed' }]) {
        await expect(queue.retryAll('work', wrong)).rejects.toMatchObject({ code: 'INVALID' });
      }
      await expect(queue.retryAll('no queue')).rejects.toMatchObject({ code: 'INVALID' });
    });

    add('jobs that fail again meanwhile are retried once each, and those that fail anew are not', async (test) => {
      const { kit, backend } = test;
      const client = queueClient(backend.queue, 'a');
      await fail(kit, client, ids(250));
      let late = 0;
      const [queue, retries] = failing(backend.queue, kit, async () => {
        // Before each page more have failed anew than a page holds.
        if (++late > 1 && late < 6) await fail(kit, client, ids(110, `late-${late}`));
      });
      expect(await queue.retryAll('work')).toEqual({ retried: 250, refused: 0, missing: 0 });
      expect([...retries.keys()].sort()).toEqual(ids(250));
      expect([...retries.values()].every((count) => count === 1)).toBe(true);
      expect(late).toBeGreaterThan(6);
      expect(await client.counts()).toMatchObject({ waiting: 0, failed: 250 + 4 * 110 });
    });

    add('jobs that fail again within the millisecond are retried once each', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push(...ids(250).map((id) => ({ id, body })));
      await client.settle(...(await client.claim(250)).map(failed));
      const [queue, retries] = failing(backend.queue, kit, async () => undefined);
      expect(await queue.retryAll('work')).toEqual({ retried: 250, refused: 0, missing: 0 });
      expect([...retries.values()]).toEqual(ids(250).map(() => 1));
    });

    add('what others take meanwhile moves nothing out of sight', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      await fail(kit, client, ids(150));
      let looks = 0;
      const port = wrapQueue(backend.queue, {
        async inspect(inspection) {
          looks += 1;
          if (looks === 2) await fail(kit, client, ids(150, 'late'));
          // While the second page is asked for, what stood on the first is removed: what stood behind moves up to where was looked already.
          if (looks === 3) for (const id of ids(120, 'late')) await backend.queue.amend('work', { do: 'remove', id });
          return backend.queue.inspect(inspection);
        },
      });
      const queue = createQueue({ port, runtime: kit.runtime });
      expect(await queue.retryAll('work')).toMatchObject({ retried: 150 });
      expect((await client.claim(500)).sort()).toEqual(ids(150));
    });
  });
}
