import { existsSync, writeSync } from 'node:fs';
import { createPortolan, createRuntime, defineJob, handle, openBackend, type Schema } from '@portolan/core';
import { knownAdapters } from '../src/adapters.ts';
import { openLeaseKeeper } from '../src/index.ts';

/**
 * A worker process whose handler blocks its thread until the file that the job names is there. It says what happens, one line each, written at
 * once: the thread may be blocked right after. SIGTERM stops it.
 */
const [url = '', namespace = '', leaseMs = '', maxBlockMs = ''] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const anything: Schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const job = defineJob({ name: 'block', queue: 'work', input: anything, output: anything, timeoutMs: 600_000 });
const runtime = createRuntime();
const portolan = createPortolan(await openBackend(url, { namespace, runtime, adapters: knownAdapters() }), { runtime });
const leaseKeeper = openLeaseKeeper({ url, namespace, runtime, maxBlockMs: Number(maxBlockMs) });
const pause = new Int32Array(new SharedArrayBuffer(4));
const worker = portolan.worker({
  handlers: [
    handle(job, (file) => {
      say('blocked');
      while (!existsSync(String(file))) Atomics.wait(pause, 0, 0, 10);
      return 'mine';
    }),
  ],
  queues: ['work'],
  concurrency: 2,
  leaseMs: Number(leaseMs),
  leaseKeeper,
  onEvent: ({ type, id }) => say(`${type} ${id}`),
});
// The lease is shorter here than a thread may take to start.
await leaseKeeper.ready;
worker.start();
say('ready');
process.once('SIGTERM', async () => {
  await worker.stop();
  await leaseKeeper.close();
  await portolan.close();
  say('stopped');
});
