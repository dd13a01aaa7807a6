import type { Backend } from '@portolan/core';
import { createRuntime, createWorker, defineJob, handle, type Queue, type Schema, type Worker } from '@portolan/core';
import { afterEach, expect } from 'vitest';

export const runtime = createRuntime();
const anything: Schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
export const job = defineJob({ name: 'ledger', queue: 'work', input: anything, output: anything });
export const retention = { completed: { count: 5_000, ms: 60_000 }, failed: { count: 100, ms: 60_000 } };

/** Undone after the test, in their order. */
export const stopping: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stopping.splice(0)) await stop();
});

export function work(on: Backend, run: (data: unknown) => unknown, onEvent?: (type: string) => void): Worker {
  const worker = createWorker({
    port: on.queue,
    runtime,
    handlers: [handle(job, run)],
    retention,
    leaseMs: 900,
    onEvent: ({ type }) => onEvent?.(type),
  });
  stopping.push(() => worker.stop({ graceMs: 0 }));
  worker.start();
  return worker;
}

export const until = (what: () => unknown, timeout = 15_000): ReturnType<typeof expect.poll> =>
  expect.poll(what, { timeout, interval: 20 });
export const countsOf = async (queue: Queue) => (await queue.queues())[0]?.counts;
