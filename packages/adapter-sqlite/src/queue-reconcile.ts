import { decodeCursor, encodeCursor, PortolanError, type Reconciled, type ReconcileRequest } from '@portolan/core';
import type { Engine } from './engine.ts';
import { reconcileGroups } from './queue-reconcile-groups.ts';
import {
  reconcileAside,
  reconcileBatches,
  reconcileJobs,
  reconcileLine,
  reconcileSessions,
} from './queue-reconcile-jobs.ts';
import { reconcilePlaces, reconcileSums, STRAY_TABLES, strayRows } from './queue-reconcile-sums.ts';
import { type At, type Step, Walk } from './queue-reconcile-walk.ts';
import type { QueueState } from './queue-state.ts';

/** What tells that a job has finished comes before what tells otherwise, and sums behind what they count. */
const STEPS: readonly Step[] = [
  reconcilePlaces,
  ...STRAY_TABLES.map(strayRows),
  reconcileBatches,
  reconcileSessions,
  reconcileLine,
  reconcileAside,
  reconcileJobs,
  reconcileGroups,
  reconcileSums,
];
const NOTHING: Reconciled = { cursor: null, looked: 0, repaired: {} };

const TAKE_DUTY = `INSERT INTO duty (name, holder, until) VALUES (?1, '', ?2)
  ON CONFLICT (name) DO UPDATE SET until = excluded.until WHERE until <= ?3 OR until > excluded.until`;

/** Undoes what a page did. */
class DryRun extends Error {
  readonly found: Reconciled;

  constructor(found: Reconciled) {
    super('a dry run');
    this.found = found;
  }
}

/**
 * A page of a reconcile: one step, or 500 rows of it, as one transaction. What must hold, and what is done where it does not, is told in
 * docs/decisions/2026-11-21-reconcile.md. `find` answers the queue, `wake` is called when jobs wait again.
 */
export async function reconcileQueue(
  engine: Engine,
  find: () => QueueState | undefined,
  wake: () => void,
  { cursor, everyMs, dryRun = false }: ReconcileRequest,
): Promise<Reconciled> {
  const [nth, ...at] = cursor === null ? ([0] as const) : decodeCursor(cursor, readPlace);
  const page = (): Reconciled => {
    const state = find();
    const step = STEPS[nth];
    if (!state || !step) return NOTHING;
    if (cursor === null && everyMs > 0 && !dryRun && !takeDuty(state, everyMs)) return NOTHING;
    const walk = new Walk(state);
    const behind = step(walk, at.length === 0 ? undefined : at);
    state.save();
    if (walk.repaired.jobs) wake();
    const next = behind ? [nth, ...behind] : nth + 1 < STEPS.length ? [nth + 1] : null;
    const found = { cursor: next && encodeCursor(next), looked: walk.looked, repaired: walk.repaired };
    if (dryRun) throw new DryRun(found);
    return found;
  };
  try {
    return await engine.write(page);
  } catch (error) {
    if (error instanceof PortolanError && error.cause instanceof DryRun) return error.cause.found;
    throw error;
  }
}

/** False where another pass began less than so long ago. */
function takeDuty({ engine, row, now }: QueueState, everyMs: number): boolean {
  return engine.sql(TAKE_DUTY).run(`reconcile:${row.number}`, now + everyMs, now).changes === 1;
}

function readPlace(content: unknown): [number, ...At] | undefined {
  if (!Array.isArray(content)) return undefined;
  const [step, ...at] = content as unknown[];
  if (typeof step !== 'number' || !STEPS[step]) return undefined;
  return at.every((one) => typeof one === 'number' || typeof one === 'string') ? [step, ...(at as At)] : undefined;
}
