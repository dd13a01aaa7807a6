import { PortolanError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { Run } from './run.ts';

/** A worker of few slots has so many jobs in hand while they are quick, those that run included: an exchange for each would take longer than they do. */
const IN_HAND = 8;
const QUICK_MS = 1;
/** So many quick runs running, the next is expected to be quick too. */
const SURE = 32;
/** Who is first in hand at two looks, so far apart, goes back with all behind it: another worker may have a slot. */
const LOOK_MS = 5;

/** How many jobs a worker of so many slots takes ahead of them. */
export const aheadOf = (slots: number): number => Math.max(IN_HAND - slots, 0);

/**
 * Runs that a lane has claimed and that wait for a slot, next to begin first. Only while runs are quick: then a job is in hand for a few milliseconds before it begins, and
 * a worker of one slot does several in the time of a round trip. One that takes long after all holds up nobody, unless it blocks this thread: what waits is handed back.
 */
export class Ahead {
  readonly #most: number;
  readonly #runtime: Runtime;
  #runs: Run[] = [];
  #quick = 0;
  #watching = false;

  constructor(most: number, runtime: Runtime) {
    this.#most = most;
    this.#runtime = runtime;
  }

  get size(): number {
    return this.#runs.length;
  }

  /** Runs are expected to be quick. */
  get sure(): boolean {
    return this.#quick >= SURE;
  }

  /** How many more may be taken. */
  get room(): number {
    return this.sure ? this.#most - this.#runs.length : 0;
  }

  /** A run took so long. One that was not quick clears the hand: those behind it have waited. */
  ended(ms: number): void {
    if (ms <= QUICK_MS) this.#quick += 1;
    else this.clear();
  }

  add(run: Run): void {
    this.#runs.push(run);
    if (!this.#watching) void this.#watch();
  }

  next(): Run | undefined {
    return this.#runs.shift();
  }

  /** False for one that does not wait here. */
  drop(run: Run): boolean {
    const at = this.#runs.indexOf(run);
    if (at >= 0) this.#runs.splice(at, 1);
    return at >= 0;
  }

  /** All are handed back, and no more are taken until runs have been quick again. */
  clear(): void {
    this.#quick = 0;
    // The lane drops each as it ends.
    handBack([...this.#runs]);
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    while (this.#runs.length > 0) {
      const [first] = this.#runs;
      await this.#runtime.sleep(LOOK_MS);
      if (first === this.#runs[0]) this.clear();
    }
    this.#watching = false;
  }
}

/** Ends runs that have not begun, so that the store gets their jobs back uncounted. */
export function handBack(runs: readonly Run[]): void {
  if (runs.length === 0) return;
  const waited = new PortolanError('CANCELLED', 'the job waited for another to end');
  for (const run of runs) run.interrupt('stopped', waited);
}
