import type { Runtime } from '../runtime.ts';
import type { Run } from './run.ts';

/** A worker of few slots has so many jobs in hand while they are quick, those that run included: an exchange for each would take longer than they do. */
const IN_HAND = 8;
const QUICK_MS = 1;
/** So many quick runs running, the next is expected to be quick too. */
const SURE = 32;
/** Nobody waits longer in hand: another worker may have a slot. */
const WAITS_MS = 5;

/** How many jobs a worker of so many slots takes ahead of them. */
export const aheadOf = (slots: number): number => Math.max(IN_HAND - slots, 0);

/**
 * Runs that a lane has claimed and that wait for a slot, next to begin first. Only while runs are quick: then a job is in hand for a few milliseconds before it begins, and
 * a worker of one slot does several in the time of a round trip. One that takes long after all holds up nobody, unless it blocks this thread: what waits is handed back.
 */
export class Ahead {
  readonly #most: number;
  readonly #runtime: Runtime;
  readonly #handBack: (runs: readonly Run[]) => void;
  #runs: Run[] = [];
  #quick = 0;
  #watching = false;

  /** `handBack`: those that wait for too long, or that `clear` ends; the last first, since each goes to the front of the line. */
  constructor(most: number, runtime: Runtime, handBack: (runs: readonly Run[]) => void) {
    this.#most = most;
    this.#runtime = runtime;
    this.#handBack = handBack;
  }

  get size(): number {
    return this.#runs.length;
  }

  /** How many more may be taken. */
  get room(): number {
    return this.#quick < SURE ? 0 : this.#most - this.#runs.length;
  }

  has(run: Run): boolean {
    return this.#runs.includes(run);
  }

  /** A run took so long. */
  ended(ms: number): void {
    this.#quick = ms <= QUICK_MS ? this.#quick + 1 : 0;
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
    if (this.#runs.length > 0) this.#handBack(this.#runs.toReversed());
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    while (this.#runs.length > 0) {
      const [first] = this.#runs;
      await this.#runtime.sleep(WAITS_MS);
      if (first === this.#runs[0]) this.clear();
    }
    this.#watching = false;
  }
}
