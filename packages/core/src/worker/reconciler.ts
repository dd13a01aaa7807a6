import { PortolanError } from '../errors.ts';
import type { QueuePort } from '../ports/queue.ts';
import { reconcileQueue } from '../queue-reconcile.ts';
import type { Runtime } from '../runtime.ts';

export interface ReconcilerOptions {
  readonly port: QueuePort;
  readonly runtime: Runtime;
  /** Served now. */
  readonly queues: () => Iterable<string>;
}

/** Each queue once so often, by whichever worker asks first. */
const EVERY_MS = 3_600_000;
/** ms from one asking of a worker to its next, and as much again by chance: the first comes with a restart of the fleet behind it. */
const ASK_MS = 600_000;
const PAUSE_MS = 100;

/**
 * Now and then looks whether the queues agree with themselves, until the signal aborts. The ordinary sweep recovers what vanishing workers leave behind;
 * this finds what should not be at all: jobs that stand nowhere, since a part of the store was lost. What it repairs it logs.
 */
export async function keepReconciling(
  { port, runtime, queues }: ReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await runtime.sleep(ASK_MS * (1 + Math.random()), signal);
    for (const queue of [...queues()]) {
      if (signal.aborted) return;
      try {
        const pass = { everyMs: EVERY_MS, pauseMs: PAUSE_MS, runtime, signal };
        const { looked, repaired } = await reconcileQueue(port, queue, pass);
        if (Object.keys(repaired).length > 0) {
          runtime.logger.warn({ queue, looked, repaired }, 'A queue did not agree with itself, and was repaired');
        }
      } catch (error) {
        const { code, message } = PortolanError.from(error);
        runtime.logger.debug({ queue, code, reason: message }, 'A queue could not be reconciled; trying on');
      }
    }
    if (signal.aborted) return;
  }
}
