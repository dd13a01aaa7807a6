import { type Job, Queue, QueueEvents, Worker } from 'bullmq';
import type { Task } from '../harness/contest.ts';
import { VALUE } from '../harness/value.ts';
import { competeWithQueue, KEPT, type QueueSystem, RESULT } from './works.ts';

async function open({ redisUrl, work, parameters }: Task): Promise<QueueSystem> {
  const { hostname, port } = new URL(redisUrl);
  const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };
  const queue = new Queue('work', { connection: { ...connection, enableAutoPipelining: parameters.pipelining === 1 } });
  await queue.waitUntilReady();
  // Its events are always written to Redis, and read only where they are waited for.
  const events = work === 'result' ? new QueueEvents('work', { connection }) : undefined;
  await events?.waitUntilReady();

  return {
    async add() {
      const job: Job = await queue.add('job', VALUE);
      return { id: String(job.id), result: async () => events && job.waitUntilFinished(events) };
    },
    addMany: (count) => queue.addBulk(Array.from({ length: count }, () => ({ name: 'job', data: VALUE }))),
    kept: () => queue.getCompletedCount(),
    async work(concurrency, completed) {
      const worker = new Worker('work', async () => RESULT, {
        connection,
        concurrency,
        removeOnComplete: { count: KEPT },
        removeOnFail: { count: KEPT },
      });
      worker.on('completed', (job) => completed(String(job.id)));
      await worker.waitUntilReady();
      return () => worker.close();
    },
  };
}

competeWithQueue(open, true);
