import { join } from 'node:path';
import { redisAdapter } from '@portolan/adapter-redis';
import { sqliteAdapter } from '@portolan/adapter-sqlite';
import { createPortolan, defineJob, handle, openBackend } from '@portolan/core';
import { z } from 'zod';
import type { Task } from '../harness/contest.ts';
import { competeWithQueue, DATA, KEPT, type QueueSystem, RESULT } from './works.ts';

/** BullMQ checks neither data nor results, so nothing is checked here. */
const job = defineJob({ name: 'job', queue: 'work', input: z.unknown(), output: z.unknown() });
const DAY_MS = 86_400_000;
const RETENTION = { completed: { count: KEPT, ms: DAY_MS }, failed: { count: KEPT, ms: DAY_MS } };

async function open({ redisUrl, folder }: Task): Promise<QueueSystem> {
  const url = store === 'redis' ? redisUrl : `sqlite:${join(folder, 'bench.db')}`;
  const { queue, worker } = createPortolan(
    await openBackend(url, { adapters: [redisAdapter(), sqliteAdapter()], deadlineMs: 30_000 }),
  );
  return {
    async add() {
      const { id } = await queue.enqueue(job, DATA);
      return { id, result: () => queue.result(id) };
    },
    addMany: (count) =>
      queue.enqueueMany(
        job,
        Array.from({ length: count }, () => ({ data: DATA })),
      ),
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

const [store] = process.argv.slice(2);
competeWithQueue(open, store === 'redis');
