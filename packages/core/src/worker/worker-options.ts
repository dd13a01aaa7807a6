import { invalid } from '../errors.ts';
import type { JobEvents } from '../job-events.ts';
import { checkName } from '../names.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { Retention } from '../ports/queue-exchange.ts';
import type { Runtime } from '../runtime.ts';
import type { WorkerEvent } from './event.ts';
import type { Handler } from './handler.ts';
import type { LeaseKeeper } from './lease-keeper.ts';

export interface WorkerOptions {
  readonly port: QueuePort;
  readonly runtime: Runtime;
  readonly handlers: readonly Handler[];
  /** If not said: the queues of the handlers and all that the store knows, looked up again every few seconds. */
  readonly queues?: readonly string[];
  /** Jobs at a time; 50 if not said. */
  readonly concurrency?: number;
  /** A worker that is silent for so long has vanished, and its jobs run elsewhere; 6 s if not said. Renewed three times as often. */
  readonly leaseMs?: number;
  /** A job that vanished with more workers than this fails; 3 if not said. */
  readonly maxStalls?: number;
  /** If not said: 10,000 completed for a day, 10,000 failed for a week, per queue. Who waits for a result must hear of it while it is kept. */
  readonly retention?: Retention;
  /** A queue that holds nothing leaves the list of queues so many ms after its last push; 10 min if not said. */
  readonly idleMs?: number;
  /** Larger results fail their job; 4 MiB of JSON if not said. */
  readonly maxResultBytes?: number;
  /**
   * Renews the leases while a handler blocks this thread; without one, a handler that computes for longer than the lease without yielding loses
   * the jobs of its worker to others. One may serve many workers; whoever made it closes it after them.
   */
  readonly leaseKeeper?: LeaseKeeper;
  readonly onEvent?: (event: WorkerEvent) => void;
  /** Where what happens to the jobs is published, for every process to see; nowhere if not said. */
  readonly events?: JobEvents | undefined;
}

const RETENTION: Retention = {
  completed: { count: 10_000, ms: 86_400_000 },
  failed: { count: 10_000, ms: 7 * 86_400_000 },
};
const MOST_LEASE_MS = 86_400_000;
const MOST = Number.MAX_SAFE_INTEGER;

/** The options with what was not said. Throws INVALID naming the field; a store that was told such numbers would refuse every exchange, or forget what it should keep. */
export function checkWorkerOptions(options: WorkerOptions) {
  const { port, runtime, queues, concurrency = 50, leaseMs = 6_000, maxStalls = 3 } = options;
  const { retention = RETENTION, idleMs = 600_000, maxResultBytes = 4 * 1024 * 1024 } = options;
  checkWhole('concurrency', concurrency, 1);
  checkWhole('leaseMs', leaseMs, 30, MOST_LEASE_MS);
  checkWhole('maxStalls', maxStalls, 0);
  for (const state of ['completed', 'failed'] as const) {
    checkWhole(`retention.${state}.count`, retention?.[state]?.count, 0);
    checkWhole(`retention.${state}.ms`, retention?.[state]?.ms, 0);
  }
  checkWhole('idleMs', idleMs, 1);
  checkWhole('maxResultBytes', maxResultBytes, 1);
  if (queues !== undefined) checkQueues(queues);
  return { port, runtime, queues, concurrency, leaseMs, maxStalls, retention, idleMs, maxResultBytes };
}

function checkWhole(field: string, value: unknown, least: number, most = MOST): void {
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw invalid(`${field}: must be a whole number from ${least}${most === MOST ? '' : ` to ${most}`}`);
}

function checkQueues(queues: readonly string[]): void {
  if (!Array.isArray(queues) || queues.length === 0) throw invalid('queues: must be the names of one queue or more');
  queues.forEach((queue, at) => void checkName(queue, `queues[${at}]`));
}
