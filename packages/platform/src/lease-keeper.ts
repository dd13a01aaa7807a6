import { Worker } from 'node:worker_threads';
import { createLeaseKeeper, invalid, type LeaseKeeper, type LeaseMessage, type Runtime } from '@portolan/core';
import type { LogLevel } from './config.ts';

export interface LeaseKeeperThreadOptions {
  /** The store of the workers. Its password goes to the thread by memory, and nowhere else. */
  readonly url: string;
  readonly namespace: string;
  readonly runtime: Runtime;
  /** A handler may block its worker for so long before its leases are left to end; a minute if not said. */
  readonly maxBlockMs?: number;
  /** The thread logs by itself, so that it is heard while the worker's is blocked; `warn` if not said. */
  readonly logLevel?: LogLevel;
  /** In every entry of that log. */
  readonly role?: string;
}

/** What the thread is started with. */
export interface LeaseKeeperData {
  readonly url: string;
  readonly namespace: string;
  readonly maxBlockMs: number;
  readonly logLevel: LogLevel;
  readonly role: string;
  readonly pulse: Int32Array<SharedArrayBuffer>;
}

/** What the thread is sent. */
export type LeaseKeeperOrder = LeaseMessage | { readonly do: 'close' };

export interface LeaseKeeperThread extends LeaseKeeper {
  /** Resolves once the thread runs, or has failed to. No worker need wait for it whose lease is longer than a thread takes to start. */
  readonly ready: Promise<void>;
  /** Ends the thread and its connection. Stop the workers before. Repeatable. */
  close(): Promise<void>;
}

const CLOSE_MS = 2_000;
/** Beside this file: source runs from source, what was built from what was built. */
const ENTRY = new URL(`./lease-keeper-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * Starts a thread that keeps the leases of this process's workers while a handler blocks them: pass the answer to `createWorker`. Until then it sleeps, with
 * one idle connection to the store. A thread that fails is logged, and the workers go on without it.
 *
 * Throws INVALID for a `memory:` store: nobody else sweeps that one, so while its only thread is blocked no lease ends.
 */
export function openLeaseKeeper(options: LeaseKeeperThreadOptions): LeaseKeeperThread {
  const { url, namespace, runtime, maxBlockMs = 60_000, logLevel = 'warn', role = 'worker' } = options;
  if (/^memory:/i.test(url)) throw invalid('lease keeper: a memory: store lives in one thread and needs none');
  if (!(maxBlockMs > 0)) throw invalid('lease keeper: maxBlockMs must be above 0');
  const pulse = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: LeaseKeeperData = { url, namespace, maxBlockMs, logLevel, role, pulse };
  // It makes next to no garbage: the usual room for it would be a third of what the thread takes.
  const thread = new Worker(ENTRY, {
    workerData,
    name: 'lease-keeper',
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  thread.unref();
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  // All that it ever says is that it runs.
  const runs = new Promise<void>((resolve) => thread.once('message', () => resolve()));
  thread.on('error', (error) => {
    runtime.logger.error(
      { reason: error.message },
      'The lease keeper has ended: a handler that blocks may lose its jobs',
    );
  });
  const send = (order: LeaseKeeperOrder): void => thread.postMessage(order);
  const keeper = createLeaseKeeper({ runtime, pulse, tell: send });
  return {
    ready: Promise.race([runs, ended]),
    hold: keeper.hold,
    drop: keeper.drop,
    async close() {
      keeper.close();
      send({ do: 'close' });
      const late = setTimeout(() => void thread.terminate(), CLOSE_MS);
      await ended;
      clearTimeout(late);
    },
  };
}
