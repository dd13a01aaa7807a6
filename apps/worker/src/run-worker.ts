import type { Features } from '@portolan/api';
import type { LeaseKeeper, Logger, Portolan, Worker, WorkerEvent } from '@portolan/core';
import type { Metrics } from '@portolan/platform';

export interface RunWorkerOptions {
  readonly concurrency: number;
  /** Only these queues; all that the store knows unless told. */
  readonly queues?: readonly string[];
  readonly leaseKeeper?: LeaseKeeper;
  /** Ends the process, where it is there for this worker alone. */
  readonly end?: () => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Starts a worker on the features' handlers that logs and counts every job it takes, and that commands reach. */
export function runWorker(portolan: Portolan, features: Features, options: RunWorkerOptions): Worker {
  const { concurrency, queues, leaseKeeper, end, logger, metrics } = options;
  const worker = portolan.worker({
    handlers: [...features.handlers],
    concurrency,
    ...(queues ? { queues: [...queues] } : {}),
    ...(leaseKeeper ? { leaseKeeper } : {}),
    onEvent: (event) => report(event, logger, metrics),
  });
  worker.start();
  if (queues) void warnOfUnknown(queues, features, portolan, logger);
  features.attachWorker({ worker, ...(end ? { end } : {}) });
  metrics.worker({ active: () => worker.active.length, queues: () => portolan.queue.queues() });
  return worker;
}

/** A queue that was misspelt would be served for ever, and in silence. */
async function warnOfUnknown(
  named: readonly string[],
  { handlers }: Features,
  portolan: Portolan,
  logger: Logger,
): Promise<void> {
  const known = new Set(handlers.map(({ definition }) => definition.queue));
  try {
    for (const { queue } of await portolan.queue.queues()) known.add(queue);
  } catch {
    return;
  }
  for (const queue of named.filter((one) => !known.has(one))) {
    logger.warn(
      { queue },
      'Nobody knows this queue so far: no job of the features goes there, and nothing has been pushed to it',
    );
  }
}

/** One line per item taken and per item ended; every line carries the process id, which the logger adds. */
function report(event: WorkerEvent, logger: Logger, metrics: Metrics): void {
  const { type, ...fields } = event;
  const unwell = type === 'failed' || type === 'lost' || type === 'stalled';
  logger[unwell ? 'warn' : 'info'](fields, `job ${type}`);
  if ('name' in event && type !== 'taken') metrics.job(event.name, type, event.ms / 1000);
}
