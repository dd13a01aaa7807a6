import { defineJob, type ExchangeRequest, type ExchangeResult, handle, type QueuePort } from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';
import { job, withBench, wrapQueue } from './worker-bench.ts';

const MOST_CHARACTERS = 4 * 1024 * 1024;

/** The port with every exchange noted. */
function noting(
  port: QueuePort,
): [QueuePort, { readonly request: ExchangeRequest; readonly result: ExchangeResult }[]] {
  const noted: { readonly request: ExchangeRequest; readonly result: ExchangeResult }[] = [];
  const wrapped = wrapQueue(port, {
    async exchange(queue, request) {
      const result = await port.exchange(queue, request);
      noted.push({ request, result });
      return result;
    },
  });
  return [wrapped, noted];
}

const sum = (texts: readonly string[]): number => texts.reduce((characters, text) => characters + text.length, 0);

/** How much a worker puts into one exchange. */
export function workerBatchSuite(harness: Harness): void {
  suite(harness, 'worker batches', (add) => {
    add('large results that are there at once go to the store in several exchanges', async ({ kit, backend }) => {
      const [port, noted] = noting(backend.queue);
      await withBench(kit, backend, async ({ queue, worker, events }) => {
        const go = Promise.withResolvers<void>();
        const result = 'x'.repeat(1_500_000);
        const running = worker(() => go.promise.then(() => result), { port, queues: ['work'] });
        const made = await queue.enqueueMany(
          job,
          Array.from({ length: 12 }, (_, n) => ({ data: { n } })),
        );
        await kit.eventually('all run', () => running.active.length === 12);
        go.resolve();
        await kit.eventually('all are settled', () => events.filter(({ type }) => type === 'completed').length === 12);
        const sizes = noted.map(({ request }) =>
          sum(request.settled.map((one) => (one.outcome === 'completed' ? one.result : ''))),
        );
        expect(Math.max(...sizes)).toBeLessThanOrEqual(MOST_CHARACTERS);
        expect(await queue.result(made[11]?.id ?? '')).toBe(result);
      });
    });

    add('jobs with much data are claimed a few at a time', async ({ kit, backend }) => {
      const [port, noted] = noting(backend.queue);
      const large = defineJob({ name: 'large', queue: 'work', input: z.string(), output: z.null() });
      await withBench(kit, backend, async ({ queue, worker }) => {
        await queue.enqueueMany(
          large,
          Array.from({ length: 62 }, () => ({ data: 'x'.repeat(250_000) })),
        );
        const go = Promise.withResolvers<null>();
        const handlers = [handle(large, () => go.promise)];
        const running = worker(() => null, { port, handlers, concurrency: 100, queues: ['work'] });
        await kit.eventually('all run', () => running.active.length === 62);
        go.resolve(null);
        const sizes = noted.map(({ result }) => sum(result.jobs.map(({ body }) => body)));
        expect(Math.max(...sizes)).toBeLessThanOrEqual(MOST_CHARACTERS);
      });
    });
  });
}
