import { createQueue, defineJob, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Harness } from './harness.ts';
import { queueClient } from './queue-client.ts';
import { suite } from './suite.ts';
import { job, untilAborted, withBench } from './worker-bench.ts';

/** Core's producer and worker on the port. */
export function workerSuite(harness: Harness): void {
  suite(harness, 'worker', (add) => {
    add('runs a job and keeps its result', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, events, state }) => {
        worker(({ n }) => ({ double: n * 2 }));
        const { id, created } = await queue.enqueue(job, { n: 21 });
        expect(created).toBe(true);
        expect(id).toMatch(/^work:/);
        const status = await state(id, 'completed');
        expect(status).toMatchObject({
          queue: 'work',
          name: 'test.job',
          attempts: 1,
          data: { n: 21 },
          result: { double: 42 },
        });
        expect(await queue.result(id)).toEqual({ double: 42 });
        expect(events.map((event) => event.type)).toEqual(['taken', 'completed']);
        expect(events[0]).toMatchObject({ id, queue: 'work', name: 'test.job', attempt: 1 });
      });
    });

    add('takes a job that comes while it waits', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        worker(() => null);
        await state((await queue.enqueue(job, { n: 1 })).id, 'completed');
        await kit.pass(30);
        await state((await queue.enqueue(job, { n: 2 })).id, 'completed');
      });
    });

    add('finds queues that appear later', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        worker(() => null);
        await state((await queue.enqueue(job, { n: 1 }, { queue: 'surprise' })).id, 'completed');
      });
    });

    add('refuses wrong data with the path of the field', async ({ kit, backend }) => {
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime, maxPayloadBytes: 100 });
      const wrong = queue.enqueue(job, { n: 'no' } as unknown as { n: number });
      await expect(wrong).rejects.toMatchObject({ code: 'INVALID', issues: [{ path: ['n'] }] });
      const text = defineJob({ name: 'text', input: z.string(), output: z.null() });
      await expect(queue.enqueue(text, 'x'.repeat(100))).rejects.toMatchObject({ code: 'TOO_LARGE' });
      await expect(queue.enqueue(text, 'é'.repeat(60))).rejects.toMatchObject({ code: 'TOO_LARGE' });
      await expect(queue.enqueue(text, '', { delayMs: -1 })).rejects.toMatchObject({ code: 'INVALID' });
      await expect(queue.get('nonsense')).rejects.toMatchObject({ code: 'INVALID' });
      await expect(queue.enqueueMany(job, [{ data: { n: 1 } }, { data: {} as { n: number } }])).rejects.toMatchObject({
        code: 'INVALID',
      });
      expect(await queue.queues()).toEqual([]);
    });

    add('enqueues many in one go, in order, and dedupes', async ({ kit, backend }) => {
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      const list = Array.from({ length: 1_200 }, (_, n) => ({ data: { n } }));
      const made = await queue.enqueueMany(job, list);
      expect(new Set(made.map(({ id }) => id)).size).toBe(1_200);
      const page = await queue.list({ queue: 'work', state: 'waiting', limit: 500 });
      expect(page.jobs.map((one) => one.data)).toEqual(list.slice(0, 500).map((one) => one.data));
      const first = await queue.enqueue(job, { n: 1 }, { dedupeKey: 'k' });
      expect(await queue.enqueue(job, { n: 2 }, { dedupeKey: 'k' })).toEqual({ id: first.id, created: false });
    });

    add('a failed job may run again with other data, checked as the first was', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        worker(({ n }) => {
          if (n < 0) throw new PortolanError('INVALID', 'below zero', { retryable: false });
          return n;
        });
        const { id } = await queue.enqueue(job, { n: -1 }, { attempts: 2 });
        const failed = await state(id, 'failed');
        const wrong = queue.retry(id, { job, data: { n: 'no' } as unknown as { n: number } });
        await expect(wrong).rejects.toMatchObject({ code: 'INVALID', issues: [{ path: ['n'] }] });
        const later = defineJob({ ...job, version: 2, upgrade: { 1: (data) => data } });
        await queue.pause('work');
        expect(await queue.retry(id, { job: later, data: { n: 4 } })).toBe('done');
        const record = await backend.queue.inspect({ of: 'jobs', queue: 'work', ids: [id.slice('work:'.length)] });
        expect(JSON.parse(record.jobs[0]?.body ?? '')).toMatchObject({ version: 2, data: { n: 4 } });
        expect(await queue.cancel(id)).toBe('cancelled');
        await queue.resume('work');
        const other = defineJob({ name: 'other', input: z.number(), output: z.number() });
        await expect(queue.retry(id, { job: other, data: 1 })).rejects.toMatchObject({ code: 'INVALID' });
        expect(await queue.retry('work:none', { job, data: { n: 5 } })).toBe('missing');
        expect(await queue.retry(id, { job, data: { n: 5 } })).toBe('done');
        const done = await state(id, 'completed');
        expect(done).toMatchObject({ data: { n: 5 }, result: 5, attempts: 1, createdAt: failed.createdAt });
        expect(await queue.retry(id, { job, data: { n: 6 } })).toBe('refused');
      });
    });

    add('tries again until the attempts are used up', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, events, state }) => {
        const attempts: number[] = [];
        worker((_, { attempt }) => {
          attempts.push(attempt);
          throw new Error('no luck');
        });
        const { id } = await queue.enqueue(job, { n: 1 }, { attempts: 3 });
        const status = await state(id, 'failed');
        expect(status).toMatchObject({ attempts: 3, error: { code: 'INTERNAL', message: 'no luck' } });
        expect(attempts).toEqual([1, 2, 3]);
        expect(events.map((event) => event.type)).toEqual(['taken', 'retried', 'taken', 'retried', 'taken', 'failed']);
        await expect(queue.result(id)).rejects.toMatchObject({ code: 'INTERNAL', message: 'no luck' });
      });
    });

    add('waits between attempts as the policy says', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        const backoff = (attempt: number): number => attempt * 60;
        worker((_, { attempt }) => (attempt < 3 ? Promise.reject(new Error('not yet')) : 'ok'), {
          definition: { ...job, backoff },
        });
        const { id } = await queue.enqueue(job, { n: 1 });
        const delayed = await state(id, 'delayed');
        expect(delayed).toMatchObject({ error: { message: 'not yet' } });
        expect(await state(id, 'completed')).toMatchObject({ attempts: 3, result: 'ok' });
      });
    });

    add('fails at once what is not worth another try', async ({ kit, backend }) => {
      const strict = { ...job, output: z.object({ ok: z.boolean() }) };
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        worker(
          ({ n }) => {
            if (n === 1) throw new PortolanError('FORBIDDEN', 'never', { retryable: false });
            return { ok: 'not a boolean' };
          },
          { definition: strict },
        );
        const refused = await queue.enqueue(job, { n: 1 });
        const wrong = await queue.enqueue(job, { n: 2 });
        expect(await state(refused.id, 'failed')).toMatchObject({ attempts: 1, error: { code: 'FORBIDDEN' } });
        const failed = await state(wrong.id, 'failed');
        expect(failed).toMatchObject({ attempts: 1, error: { code: 'INVALID' } });
        expect(failed.error?.message).toContain('ok');
      });
    });

    add('ends a job at its timeout, though the handler does not listen', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, events, state }) => {
        let reason: unknown;
        worker(
          (_, { signal }) => {
            signal.addEventListener('abort', () => (reason = signal.reason));
            return new Promise(() => undefined);
          },
          { definition: { ...job, timeoutMs: 60 }, concurrency: 1 },
        );
        const { id } = await queue.enqueue(job, { n: 1 }, { attempts: 2 });
        expect(await state(id, 'failed')).toMatchObject({ attempts: 2, error: { code: 'TIMEOUT' } });
        expect(PortolanError.is(reason, 'TIMEOUT')).toBe(true);
        expect(events.map((event) => event.type)).toEqual(['taken', 'retried', 'taken', 'failed']);
      });
    });

    add('shows progress while it runs', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        const gate = Promise.withResolvers<void>();
        const running = worker(async (_, { progress }) => {
          await progress({ percent: 40 });
          await gate.promise;
          return 'end';
        });
        const { id } = await queue.enqueue(job, { n: 1 });
        await kit.eventually('progress', async () => ((await queue.get(id))?.progress ? true : undefined));
        expect(await queue.get(id)).toMatchObject({ state: 'active', progress: { percent: 40 }, attempts: 1 });
        expect(running.active).toMatchObject([{ id, name: 'test.job', queue: 'work' }]);
        gate.resolve();
        await state(id, 'completed');
      });
    });

    add('cancels a job that runs, through its signal', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, event, state }) => {
        worker((_, { signal }) => untilAborted(signal), { leaseMs: 300 });
        const { id } = await queue.enqueue(job, { n: 1 });
        await event('taken');
        expect(await queue.cancel(id)).toBe('asked');
        expect(await state(id, 'cancelled')).toMatchObject({ attempts: 1 });
        await expect(queue.result(id)).rejects.toMatchObject({ code: 'CANCELLED' });
        await event('cancelled');
        expect(await queue.cancel(id)).toBe('refused');
        expect(await queue.remove(id)).toBe('done');
        expect(await queue.get(id)).toBeUndefined();
        await expect(queue.result(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      });
    });

    add('cancels, retries, promotes, pauses from the producer', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        const { id } = await queue.enqueue(job, { n: 1 }, { delayMs: 3_600_000 });
        expect(await state(id, 'delayed')).toMatchObject({ attempts: 0 });
        expect(await queue.cancel(id)).toBe('cancelled');
        expect(await queue.retry(id)).toBe('done');
        const second = await queue.enqueue(job, { n: 2 }, { delayMs: 3_600_000 });
        await queue.pause('work');
        expect(await queue.promote(second.id)).toBe('done');
        worker(({ n }) => n);
        await kit.pass(50);
        expect(await queue.queues()).toMatchObject([{ queue: 'work', paused: true, counts: { waiting: 2 } }]);
        await queue.resume('work');
        await state(id, 'completed');
        await state(second.id, 'completed');
        const page = await queue.list({ queue: 'work', state: 'completed', limit: 1 });
        expect(page.jobs).toHaveLength(1);
        expect(page.cursor).not.toBeNull();
      });
    });

    add('leaves jobs it does not know to others', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, event, state }) => {
        const older = worker(() => null);
        const { id } = await queue.enqueue({ ...job, name: 'newer.job' }, { n: 1 });
        expect(await event('released')).toMatchObject({ id, name: 'newer.job' });
        expect(await state(id, 'delayed')).toMatchObject({ attempts: 0 });
        // Which of the two takes it is chance.
        older.quiet();
        worker(() => 'known', { definition: { ...job, name: 'newer.job' } });
        const completed = async () => (await queue.get(id))?.state === 'completed';
        await kit.eventually('the newer worker takes it soon', completed, 4_000);
      });
    });

    add('fails what is no job of Portolan', async ({ kit, backend }) => {
      await queueClient(backend.queue, 'a').push({ id: 'x', body: '{"no":"envelope"}' });
      await withBench(kit, backend, async ({ worker, event }) => {
        worker(() => null);
        expect(await event('failed')).toMatchObject({ id: 'work:x', error: { code: 'INVALID' } });
      });
    });
  });
}
