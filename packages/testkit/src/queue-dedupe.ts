import { createQueue } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, queueClient, released, retry } from './queue-client.ts';
import { suite } from './suite.ts';
import { job, withBench } from './worker-bench.ts';

const HOUR = 3_600_000;
const MODES = ['replace', 'debounce'] as const;

/** What becomes of data that is pushed under a key that another job holds. */
export function queueDedupeSuite(harness: Harness): void {
  suite(harness, 'queue dedupe', (add) => {
    for (const dedupe of MODES) {
      add(`${dedupe}: a job that waits takes the newer body, and keeps its place and priority`, async ({ backend }) => {
        const client = queueClient(backend.queue, 'a');
        await client.push({ id: '1', dedupeKey: 'k', dedupe }, { id: '2' }, { id: '3', priority: 5, dedupeKey: 'p' });
        expect(
          await client.push(
            { id: '4', dedupeKey: 'k', dedupe, body: 'newer', delayMs: HOUR },
            { id: '5', dedupeKey: 'p', dedupe, body: 'newest', priority: -5 },
          ),
        ).toEqual([
          { id: '1', created: false },
          { id: '3', created: false },
        ]);
        expect((await client.exchange({ claim: 9 })).jobs).toMatchObject([
          { id: '3', body: 'newest', attempt: 1 },
          { id: '1', body: 'newer', attempt: 1 },
          { id: '2' },
        ]);
        expect(await client.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 3 });
      });

      add(`${dedupe}: a job that runs is left alone, and a new one takes the key over`, async ({ backend }) => {
        const client = queueClient(backend.queue, 'a');
        const push = (id: string) => client.push({ id, dedupeKey: 'k', dedupe, body: `data ${id}` });
        await push('1');
        await client.claim(1);
        expect(await push('2')).toEqual([{ id: '2', created: true }]);
        expect(await client.job('1')).toMatchObject({ state: 'active', body: 'data 1' });
        expect(await push('3')).toEqual([{ id: '2', created: false }]);
        // The first ends, whichever way, and the key stays with the second.
        await client.settle(retry('1'));
        expect(await push('4')).toEqual([{ id: '2', created: false }]);
        expect((await client.exchange({ claim: 1 })).jobs).toMatchObject([{ id: '2', body: 'data 4' }]);
        await client.claim(1);
        await client.settle(completed('1'));
        expect(await client.push({ id: '5', dedupeKey: 'k' })).toEqual([{ id: '2', created: false }]);
        await client.settle(completed('2'));
        expect(await push('6')).toEqual([{ id: '6', created: true }]);
      });

      add(`${dedupe}: what failed before counts no more for the newer body`, async ({ backend }) => {
        const client = queueClient(backend.queue, 'a');
        await client.push({ id: '1', dedupeKey: 'k' });
        await client.claim(1);
        await backend.queue.amend('work', { do: 'progress', id: '1', session: 'a', progress: '1' });
        await client.settle(retry('1', HOUR));
        await client.push({ id: '2', dedupeKey: 'k', dedupe, body: 'newer', delayMs: HOUR });
        expect(await client.job('1')).toMatchObject({
          state: 'delayed',
          body: 'newer',
          attempts: 0,
          error: null,
          progress: null,
          startedAt: null,
        });
      });

      add(`${dedupe}: two pushes of one call are as two calls, and known ids change nothing`, async ({ backend }) => {
        const client = queueClient(backend.queue, 'a');
        const jobs = ['1', '2', '3'].map((id) => ({ id, dedupeKey: 'k', dedupe, body: `data ${id}` }));
        expect(await client.push(...jobs, { id: '4' })).toEqual([
          { id: '1', created: true },
          { id: '1', created: false },
          { id: '1', created: false },
          { id: '4', created: true },
        ]);
        expect((await client.exchange({ claim: 1 })).jobs).toMatchObject([{ id: '1', body: 'data 3' }]);
        expect(await client.push({ id: '4', dedupeKey: 'k', dedupe, body: 'x' })).toEqual([
          { id: '4', created: false },
        ]);
        expect(await client.job('1')).toMatchObject({ body: 'data 3' });
        expect(await client.job('4')).toMatchObject({ body: 'body of 4' });
      });
    }

    add('replace leaves a delayed job its time, debounce begins it again', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const push = (id: string, dedupe: (typeof MODES)[number], delayMs: number) =>
        client.push({ id, body: id, dedupeKey: dedupe, dedupe, delayMs });
      const due = async (id: string) => (await client.job(id))?.dueAt ?? Number.NaN;
      await push('r', 'replace', HOUR);
      await push('d', 'debounce', HOUR);
      const [replaced, debounced] = [await due('r'), await due('d')];
      await kit.pass(5);
      await push('r2', 'replace', 2 * HOUR);
      await push('d2', 'debounce', 2 * HOUR);
      expect(await due('r')).toBe(replaced);
      expect(await due('d')).toBeGreaterThanOrEqual(debounced + HOUR);
      expect(await client.list('delayed')).toEqual(['r', 'd']);
      // Without a delay it is due now, behind those who wait.
      await client.push({ id: 'w' });
      await push('r3', 'replace', 0);
      await push('d3', 'debounce', 0);
      expect((await client.exchange({ claim: 9 })).jobs.map(({ id, body }) => [id, body])).toEqual([
        ['w', 'body of w'],
        ['d', 'd3'],
      ]);
      expect(await client.job('r')).toMatchObject({ state: 'delayed', body: 'r3' });
    });

    add('a debounced job that becomes due sooner wakes a waiter', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1', dedupeKey: 'k', delayMs: HOUR });
      // The hint of the first push, where the store keeps it.
      await backend.queue.wait(['work'], AbortSignal.timeout(100));
      const waited = backend.queue.wait(['work'], AbortSignal.timeout(15_000));
      let woken = false;
      void waited.then(() => (woken = true));
      await client.push({ id: '2', dedupeKey: 'k', dedupe: 'debounce', delayMs: 1 });
      await kit.eventually('the waiter wakes', () => woken);
    });

    add('a released holder still takes newer data', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1', dedupeKey: 'k' });
      await client.claim(1);
      await client.settle(released('1'));
      await client.push({ id: '2', dedupeKey: 'k', dedupe: 'replace', body: 'newer' });
      expect((await client.exchange({ claim: 2 })).jobs).toMatchObject([{ id: '1', body: 'newer' }]);
    });

    add('the newest data runs with the real worker, each of the last ones once', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        const ran: number[] = [];
        const first = Promise.withResolvers<void>();
        worker(async ({ n }) => {
          ran.push(n);
          if (n === 1) await first.promise;
          return null;
        });
        const push = (n: number) => queue.enqueue(job, { n }, { dedupeKey: 'k', dedupe: 'replace' });
        const one = await push(1);
        await state(one.id, 'active');
        await backend.queue.amend('work', { do: 'pause' });
        const two = await push(2);
        expect(two.created).toBe(true);
        expect(await push(3)).toEqual({ id: two.id, created: false });
        await backend.queue.amend('work', { do: 'resume' });
        first.resolve();
        await state(two.id, 'completed');
        await state(one.id, 'completed');
        expect(ran).toEqual([1, 3]);
        expect((await queue.get(two.id))?.data).toEqual({ n: 3 });
      });
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      await expect(queue.enqueue(job, { n: 1 }, { dedupe: 'replace' })).rejects.toMatchObject({ code: 'INVALID' });
    });
  });
}
