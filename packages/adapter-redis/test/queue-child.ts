import { createRuntime, createWorker, defineJob, handle, type Schema } from '@portolan/core';
import { redisAdapter } from '../src/index.ts';

/** A worker process for `queue.redis.test.ts`: it says which job it begins and which the store has confirmed, one line each. */
const [url = '', namespace = ''] = process.argv.slice(2);
const anything: Schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const job = defineJob({ name: 'ledger', queue: 'work', input: anything, output: anything });
const runtime = createRuntime();
const backend = await redisAdapter().open(url, { namespace, runtime, deadlineMs: 2_000 });
createWorker({
  port: backend.queue,
  runtime,
  handlers: [
    handle(job, async (_, { id }) => {
      process.stdout.write(`begin ${id}\n`);
      await runtime.sleep(5);
    }),
  ],
  concurrency: 10,
  leaseMs: 600,
  onEvent: (event) => {
    if (event.type === 'completed') process.stdout.write(`completed ${event.id}\n`);
  },
}).start();
