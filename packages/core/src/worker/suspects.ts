import type { Run } from './run.ts';

/** A job whose workers have vanished so often may be what ends them. */
const STALLS = 2;

/**
 * Jobs that may end the process, so that they take no other with them any more: one runs while its session claims nothing else, and begins only when all that came with it
 * is back in the store. One whose worker has vanished once may run beside others, as what is recovered from a worker mostly should, but with none in hand.
 */
export class Suspects {
  readonly #held = new Set<Run>();
  /** The last claim was handed back: claim one job. */
  narrow = false;

  /** One is held. */
  get any(): boolean {
    return this.#held.size > 0;
  }

  /** Whether a claim that came for so many slots is to be handed back whole. */
  refuse(runs: readonly Run[], slots: number): boolean {
    const least = runs.length > slots ? 1 : STALLS;
    this.narrow = runs.length > 1 && runs.some(({ job }) => job.stalls >= least);
    if (!this.narrow) for (const run of runs) if (run.job.stalls >= STALLS) this.#held.add(run);
    return this.narrow;
  }

  /** A run is no longer held. */
  drop(run: Run): void {
    this.#held.delete(run);
  }
}
