import { defineJob, handle } from '@portolan/core';
import { z } from 'zod';
import type { Task } from '../harness/contest.ts';
import { openPortolan } from '../harness/portolan.ts';
import { VALUE } from '../harness/value.ts';
import { competeWithQueue, KEPT, type QueueSystem, RESULT } from './works.ts';

/** BullMQ checks neither data nor results, so nothing is checked here. */
const job = defineJob({ name: 'job', queue: 'work', input: z.unknown(), output: z.unknown() });
const DAY_MS = 86_400_000;
const RETENTION = { completed: { count: KEPT, ms: DAY_MS }, failed: { count: KEPT, ms: DAY_MS } };

async function open(task: Task): Promise<QueueSystem> {
  const { queue, worker } = await openPortolan(task);
  return {
    async add() {
      const { id } = await queue.enqueue(job, VALUE);
      return { id, result: () => queue.result(id) };
    },
    addMany: (count) =>
      queue.enqueueMany(
        job,
        Array.from({ length: count }, () => ({ data: VALUE })),
      ),
    kept: async () => (await queue.queues())[0]?.counts.completed ?? 0,
    async work(concurrency, completed) {
      const running = worker({
        handlers: [handle(job, async () => RESULT)],
        queues: ['work'],
        concurrency,
        retention: RETENTION,
        onEvent: ({ type, id }) => {
          if (type === 'completed') completed(id);
        },
      });
      running.start();
      return () => running.stop();
    },
  };
}

competeWithQueue(open, process.argv[2] === 'redis');
