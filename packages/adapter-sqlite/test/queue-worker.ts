import { createRuntime, createWorker, defineJob, handle, type Schema } from '@portolan/core';
import { sqliteAdapter } from '../src/index.ts';

/**
 * A worker process: it says which job it begins and when (ns, monotonic), which the store has confirmed, and whatever it had to warn of, one line each.
 * SIGTERM stops it.
 */
const [file = '', namespace = '', ms = '0'] = process.argv.slice(2);
const anything: Schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const job = defineJob({ name: 'ledger', queue: 'work', input: anything, output: anything });
const silent = () => undefined;
const warn = (fields: object, message: string): void => console.log(`warning ${message} ${JSON.stringify(fields)}`);
const runtime = createRuntime({ logger: { debug: silent, info: silent, warn, error: warn } });
const backend = await sqliteAdapter().open(`sqlite:${file}`, { namespace, runtime, deadlineMs: 5_000 });
const worker = createWorker({
  port: backend.queue,
  runtime,
  handlers: [
    handle(job, async (_, { id }) => {
      console.log(`begin ${id} ${process.hrtime.bigint()}`);
      if (ms !== '0') await runtime.sleep(Number(ms));
    }),
  ],
  concurrency: 10,
  leaseMs: 600,
  retention: { completed: { count: 5_000, ms: 600_000 }, failed: { count: 100, ms: 600_000 } },
  onEvent: ({ type, id }) => {
    if (type !== 'taken') console.log(`${type} ${id}`);
  },
});
worker.start();
console.log('ready');
process.once('SIGTERM', async () => {
  await worker.stop();
  await backend.close();
  process.exit();
});
