import {
  type BroadcastPort,
  createJobEvents,
  createQueue,
  PortolanError,
  type Queue,
  type QueuePort,
  type Runtime,
} from '@portolan/core';
import { expect } from 'vitest';
import { during } from './broadcast-kit.ts';
import { type Chaos, chaos } from './chaos.ts';
import type { Harness, Kit } from './harness.ts';
import { withEvents } from './job-events-kit.ts';
import { suite } from './suite.ts';
import { job } from './worker-bench.ts';

/** One whose looks are never repeated by itself: only a word from outside ends a sleep. */
const patient = (kit: Kit): Runtime => ({
  ...kit.runtime,
  sleep: (_, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) resolve();
      else signal?.addEventListener('abort', () => resolve(), { once: true });
    }),
});

/** A process of its own, that waits and runs nothing. */
async function waiter(kit: Kit, body: (process: Waiter) => Promise<void>): Promise<void> {
  const backend = await kit.open();
  const topics = chaos(backend.broadcast);
  const jobs = chaos(backend.queue);
  const events = createJobEvents({ port: topics.target, runtime: kit.runtime });
  try {
    await body({ topics, jobs, queue: createQueue({ port: jobs.target, runtime: patient(kit), events }) });
  } finally {
    await events.close();
  }
}

interface Waiter {
  readonly topics: Chaos<BroadcastPort>;
  readonly jobs: Chaos<QueuePort>;
  readonly queue: Queue;
}

/** Who waits for a job that another process runs. */
export function jobEventsResultSuite(harness: Harness): void {
  suite(harness, 'results by events', (add) => {
    add('who waits in another process is told how a job ended, by its event', async ({ kit, backend }) => {
      await withEvents(kit, backend, {}, async ({ queue, worker, told }) => {
        await waiter(kit, async (other) => {
          const made = await queue.enqueueMany(job, [{ data: { n: 1 } }, { data: { n: -1 } }, { data: { n: 3 } }]);
          const [, , last] = made;
          if (!last) throw new Error('nothing was made');
          const results = Promise.allSettled(made.map(({ id }) => other.queue.result(id)));
          // Once when asked, once when the events are followed.
          await kit.eventually('all have looked', () => other.jobs.calls('inspect') >= 6);
          expect(await queue.cancel(last.id)).toBe('cancelled');
          told.publish({ type: 'cancelled', id: last.id, queue: 'work' });
          worker(
            ({ n }) => {
              if (n < 0) throw new PortolanError('NOT_FOUND', 'no such thing', { retryable: false });
              return { n };
            },
            { events: told },
          );
          expect(await during(kit, results)).toMatchObject([
            { status: 'fulfilled', value: { n: 1 } },
            { status: 'rejected', reason: { code: 'NOT_FOUND', message: 'no such thing' } },
            { status: 'rejected', reason: { code: 'CANCELLED' } },
          ]);
          // However many wait, their queue is followed once; and each looked once more.
          expect([other.topics.calls('hint'), other.jobs.calls('inspect')]).toEqual([1, 9]);
        });
      });
    });

    add('an end is not overlooked while the following begins', async ({ kit, backend }) => {
      await withEvents(kit, backend, {}, async ({ queue, worker, told, state }) => {
        await waiter(kit, async (other) => {
          const held = other.topics.on('read').hold();
          const { id } = await queue.enqueue(job, { n: 7 });
          const result = other.queue.result(id);
          await held.reached;
          await kit.eventually('it has looked', () => other.jobs.calls('inspect') === 1);
          worker(({ n }) => n, { events: told });
          await state(id, 'completed');
          held.release();
          expect(await during(kit, result)).toBe(7);
        });
      });
    });

    add('who waits looks again when events were dropped', async ({ kit, backend }) => {
      const faults = chaos(backend.broadcast);
      await withEvents(kit, backend, { port: faults.target }, async ({ queue, worker, told, state }) => {
        await waiter(kit, async (other) => {
          const { id } = await queue.enqueue(job, { n: 7 });
          const result = other.queue.result(id);
          await kit.eventually('it has looked', () => other.jobs.calls('inspect') >= 2);
          faults.on('append').fail(1, new PortolanError('INTERNAL', 'refused'));
          worker(({ n }) => n, { events: told });
          await state(id, 'completed');
          await kit.eventually('the event is lost', () => faults.calls('append') > 0);
          await kit.pass(100);
          expect(other.jobs.calls('inspect')).toBe(2);
          told.publish({ type: 'cancelled', id: 'work:another', queue: 'work' });
          expect(await during(kit, result)).toBe(7);
        });
      });
    });

    add('who waits where a worker is looks elsewhere only when that was not told', async ({ kit, backend }) => {
      const topics = chaos(backend.broadcast);
      await withEvents(kit, backend, { port: topics.target }, async ({ worker, told, event }) => {
        const queue = createQueue({ port: backend.queue, runtime: patient(kit), events: told });
        const go = Promise.withResolvers<void>();
        worker(() => go.promise, { events: told });
        const { id } = await queue.enqueue(job, { n: 1 });
        const result = queue.result(id);
        await event('taken');
        go.resolve();
        expect(await during(kit, result)).toBeNull();
        expect(topics.calls('hint')).toBe(0);
      });
    });

    add('a queue is followed no longer than somebody waits, give or take two seconds', async ({ kit, backend }) => {
      await withEvents(kit, backend, {}, async ({ queue, worker, told }) => {
        await waiter(kit, async (other) => {
          const wait = async () => {
            const { id } = await queue.enqueue(job, { n: 1 });
            await during(kit, other.queue.result(id));
          };
          worker(() => null, { events: told });
          await wait();
          await wait();
          expect(other.topics.calls('hint')).toBe(1);
          await kit.pass(2_200);
          const reads = other.topics.calls('read');
          await queue.enqueue(job, { n: 1 });
          await kit.pass(100);
          expect(other.topics.calls('read')).toBe(reads);
          await wait();
          expect(other.topics.calls('hint')).toBe(2);
        });
      });
    });
  });
}
