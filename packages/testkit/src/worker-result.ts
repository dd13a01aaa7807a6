import { createQueue, encryptedQueue, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { chaos } from './chaos.ts';
import type { Harness } from './harness.ts';
import { failed, queueClient } from './queue-client.ts';
import { suite } from './suite.ts';
import { job, withBench, wrapQueue } from './worker-bench.ts';

/** Those who wait for what a job comes to. */
export function workerResultSuite(harness: Harness): void {
  suite(harness, 'worker results', (add) => {
    add(
      'who waits for a result in the process of the worker hears it without a look at the store',
      async ({ kit, backend }) => {
        const faults = chaos(backend.queue);
        await withBench(kit, { ...backend, queue: faults.target }, async ({ queue, worker }) => {
          const go = Promise.withResolvers<void>();
          worker(async ({ n }) => {
            await go.promise;
            if (n < 0) throw new PortolanError('NOT_FOUND', 'no such thing', { retryable: false });
            return { n };
          });
          const ids = await queue.enqueueMany(job, [{ data: { n: 1 } }, { data: { n: -1 } }]);
          const results = ids.map(({ id }) => queue.result(id));
          const settled = Promise.allSettled(results);
          await kit.eventually('both looked once', () => faults.calls('inspect') >= 2);
          faults.on('inspect').fail('every', new PortolanError('UNAVAILABLE', 'away'));
          go.resolve();
          let done: PromiseSettledResult<unknown>[] | undefined;
          void settled.then((all) => (done = all));
          await kit.eventually('both are told', () => done);
          expect(done).toMatchObject([
            { status: 'fulfilled', value: { n: 1 } },
            { status: 'rejected', reason: { code: 'NOT_FOUND', message: 'no such thing', retryable: false } },
          ]);
          faults.heal();
        });
      },
    );

    add('who waits in the process of the worker is told of no end that the store refused', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, event }) => {
        const go = Promise.withResolvers<void>();
        let session = '';
        const port = wrapQueue(backend.queue, {
          exchange: (name, request) => {
            session = request.session;
            return backend.queue.exchange(name, request);
          },
        });
        worker(
          async () => {
            await go.promise;
            return 'late';
          },
          { port },
        );
        const waiting = createQueue({ port, runtime: kit.runtime });
        const { id } = await queue.enqueue(job, { n: 1 });
        const result = waiting.result(id).catch((error: unknown) => error);
        await event('taken');
        // Somebody else ends the job, out of the session's hands.
        await queueClient(backend.queue, session).settle(failed(id.slice('work:'.length)));
        go.resolve();
        await event('lost');
        let ended: unknown;
        void result.then((one) => (ended = one));
        await kit.eventually('the waiter is told', () => ended !== undefined);
        expect(ended).toMatchObject({ code: 'INTERNAL' });
      });
    });

    add('who waits in another process is told as well, and each of several waiters once', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker }) => {
        const other = createQueue({ port: (await kit.open()).queue, runtime: kit.runtime });
        const { id } = await queue.enqueue(job, { n: 5 });
        const waiting = Promise.all([queue.result(id), queue.result(id), other.result(id)]);
        let all: unknown[] | undefined;
        void waiting.then((results) => (all = results));
        worker(({ n }) => n);
        await kit.eventually('all are told', () => all);
        expect(all).toEqual([5, 5, 5]);
      });
    });

    add('who waits hears the result in clear where the store has it encrypted', async ({ kit, backend }) => {
      const port = encryptedQueue(backend.queue, [{ id: 'k', key: new Uint8Array(32).fill(7) }]);
      await withBench(kit, { ...backend, queue: port }, async ({ queue, worker }) => {
        const go = Promise.withResolvers<void>();
        worker(async ({ n }) => {
          await go.promise;
          if (n < 0) throw new PortolanError('NOT_FOUND', 'no such thing', { retryable: false });
          return { n };
        });
        const ids = await queue.enqueueMany(job, [{ data: { n: 1 } }, { data: { n: -1 } }]);
        let done: unknown;
        void Promise.allSettled(ids.map(({ id }) => queue.result(id))).then((all) => (done = all));
        go.resolve();
        await kit.eventually('both are told', () => done !== undefined);
        expect(done).toMatchObject([{ value: { n: 1 } }, { reason: { code: 'NOT_FOUND', message: 'no such thing' } }]);
      });
    });

    add('who waits for a job that is not kept is told so', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue }) => {
        const unknown = await queue.result('work:never').catch((error: unknown) => error);
        expect(unknown).toMatchObject({ code: 'NOT_FOUND', message: 'job work:never is not known' });
        const { id } = await queue.enqueue(job, { n: 5 });
        const port = chaos(backend.queue);
        const look = port.on('inspect').holdReply();
        let ended: unknown;
        const waiting = createQueue({ port: port.target, runtime: kit.runtime }).result(id);
        void waiting.catch((error: unknown) => (ended = error));
        await look.reached;
        await queue.remove(id);
        look.release();
        await kit.eventually('the waiter is told', () => ended !== undefined);
        expect(ended).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('no longer kept') });
      });
    });

    add('a wait that was given up leaves nothing behind', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        const { id } = await queue.enqueue(job, { n: 5 });
        const given = new AbortController();
        const waiting = queue.result(id, { signal: given.signal });
        given.abort();
        await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
        worker(({ n }) => n);
        await state(id, 'completed');
        expect(await queue.result(id)).toBe(5);
      });
    });
  });
}
