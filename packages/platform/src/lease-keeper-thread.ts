import { parentPort, workerData } from 'node:worker_threads';
import { type Backend, createRuntime, LeaseWatch } from '@portolan/core';
import type { LeaseKeeperData, LeaseKeeperOrder } from './lease-keeper.ts';
import { createLogger } from './logger.ts';
import { openStore } from './store.ts';

/** The thread of `openLeaseKeeper`. */
const { url, namespace, maxBlockMs, logLevel, role, pulse } = workerData as LeaseKeeperData;
const runtime = createRuntime({ logger: createLogger(logLevel, { role, thread: 'lease-keeper' }) });
const DEADLINE_MS = 2_000;
let opening: Promise<Backend> | undefined;

/** Opened at the start, so that it is at hand when it is needed; what failed then is tried again at every beat. */
function open(): Promise<Backend> {
  opening ??= openStore(url, { namespace, runtime, deadlineMs: DEADLINE_MS }).catch((error) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

const closing = new AbortController();
const watch = new LeaseWatch({ runtime, pulse, maxBlockMs, port: async () => (await open()).queue });
parentPort?.on('message', (order: LeaseKeeperOrder) => {
  if (order.do === 'close') closing.abort();
  else watch.take(order);
});
open().catch(() => undefined);
parentPort?.postMessage('runs');
await watch.run(closing.signal);
parentPort?.close();
await opening?.then((backend) => backend.close()).catch(() => undefined);
