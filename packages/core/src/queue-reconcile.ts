import type { QueuePort } from './ports/queue.ts';
import { REPAIRS, type Reconciled, type Repair } from './ports/queue-reconcile.ts';
import type { SweepPolicy } from './ports/queue-sweep.ts';
import type { Runtime } from './runtime.ts';

export interface ReconcilePass {
  /** Does nothing where another pass began less than so many ms ago; 0, if not said, never minds. */
  readonly everyMs?: number;
  /** Tells what it would repair, and changes nothing. */
  readonly dryRun?: boolean;
  /** Looks at every key of the store as well, for what nothing names any more. */
  readonly thorough?: boolean;
  /** ms between two pages, so that a large queue takes little of the store at a time; 0 if not said. */
  readonly pauseMs?: number;
  readonly runtime: Runtime;
  /** Ends the pass behind its present page. */
  readonly signal?: AbortSignal;
}

/** What a pass found, in the order of `REPAIRS`. */
export type PassOutcome = Omit<Reconciled, 'cursor'>;

/** Of a sweep that only reconciles, which uses nothing of it. */
const UNUSED: SweepPolicy = {
  maxStalls: Number.MAX_SAFE_INTEGER,
  error: 'null',
  retention: {
    completed: { count: Number.MAX_SAFE_INTEGER, ms: Number.MAX_SAFE_INTEGER },
    failed: { count: Number.MAX_SAFE_INTEGER, ms: Number.MAX_SAFE_INTEGER },
  },
  idleMs: Number.MAX_SAFE_INTEGER,
};

/** A pass over one queue, page by page; see ports/queue-reconcile.ts. Safe while the queue is used, and any number of times at once. */
export async function reconcileQueue(port: QueuePort, queue: string, pass: ReconcilePass): Promise<PassOutcome> {
  const { everyMs = 0, dryRun = false, thorough = false, pauseMs = 0, runtime, signal } = pass;
  const found = new Map<Repair, number>();
  let looked = 0;
  let cursor: string | null = null;
  do {
    const { reconciled } = await port.sweep(queue, { ...UNUSED, reconcile: { cursor, everyMs, dryRun, thorough } });
    if (!reconciled) break;
    looked += reconciled.looked;
    for (const kind of REPAIRS) {
      const count = reconciled.repaired[kind] ?? 0;
      if (count > 0) found.set(kind, (found.get(kind) ?? 0) + count);
    }
    cursor = reconciled.cursor;
    if (cursor !== null && pauseMs > 0) await runtime.sleep(pauseMs, signal);
  } while (cursor !== null && !signal?.aborted);
  const repaired = Object.fromEntries(REPAIRS.flatMap((kind) => (found.has(kind) ? [[kind, found.get(kind)]] : [])));
  return { looked, repaired };
}

/** A thorough pass over every queue that holds anything, also those that are not on the list. Calls `tell` behind each, by name. */
export async function reconcileQueues(
  port: QueuePort,
  pass: Omit<ReconcilePass, 'thorough' | 'everyMs'>,
  tell: (queue: string, outcome: PassOutcome) => void,
): Promise<void> {
  const { names = [] } = await port.inspect({ of: 'names', unlisted: true });
  for (const queue of names) {
    if (pass.signal?.aborted) return;
    tell(queue, await reconcileQueue(port, queue, { ...pass, thorough: true }));
  }
}
