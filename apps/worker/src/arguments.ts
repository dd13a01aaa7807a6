import { parseArgs } from 'node:util';
import { checkName, invalid, PortolanError } from '@portolan/core';
import type { Config } from '@portolan/platform';

export const HELP = `worker: runs jobs and answers commands.

  --concurrency N   jobs at a time (WORKER_CONCURRENCY, 50)
  --queues a,b      only these queues (all that the store knows)
  --help            this text

Configuration comes from the environment; BACKEND_URL must be a store that other processes can reach.
With WORKER_PORT the worker answers /healthz and /metrics.`;

export interface WorkerArguments {
  readonly help: boolean;
  readonly concurrency: number;
  readonly queues?: readonly string[];
}

/** Reads those of the process unless told others. Throws INVALID with one line that names the flag, what is wrong and an example. */
export function readArguments(
  config: Pick<Config, 'workerConcurrency'>,
  args: readonly string[] = process.argv.slice(2),
): WorkerArguments {
  const { values } = parseArgs({
    args: [...args],
    options: { concurrency: { type: 'string' }, queues: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  const { help, concurrency, queues } = values;
  return {
    help,
    concurrency: concurrency === undefined ? config.workerConcurrency : readConcurrency(concurrency),
    ...(queues === undefined ? {} : { queues: readQueues(queues) }),
  };
}

function readConcurrency(text: string): number {
  const concurrency = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (concurrency >= 1 && concurrency <= 10_000) return concurrency;
  throw invalid(`--concurrency: ${text} is not a whole number from 1 to 10000; an example is --concurrency 50`);
}

function readQueues(text: string): string[] {
  const queues = text
    .split(',')
    .map((queue) => queue.trim())
    .filter(Boolean);
  if (queues.length === 0) throw invalid('--queues: no queue is named; an example is --queues pages,default');
  try {
    return [...new Set(queues)].map((queue) => checkName(queue, 'queue'));
  } catch (error) {
    throw invalid(`--queues: ${PortolanError.from(error).message}; an example is --queues pages,default`);
  }
}
