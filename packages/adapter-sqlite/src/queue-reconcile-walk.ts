import type { Repair } from '@portolan/core';
import type { QueueState } from './queue-state.ts';

/** Where a walk goes on: behind a row, by up to three numbers or a text. */
export type At = readonly (number | string)[];

/** One step of a pass: looks at a page behind `at`, which is undefined at its beginning, and answers where to go on, or undefined at the end. */
export type Step = (walk: Walk, at: At | undefined) => At | undefined;

/** A page within one transaction. */
export class Walk {
  readonly state: QueueState;
  looked = 0;
  readonly repaired: Partial<Record<Repair, number>> = {};

  constructor(state: QueueState) {
    this.state = state;
  }

  mend(kind: Repair, count = 1): void {
    if (count > 0) this.repaired[kind] = (this.repaired[kind] ?? 0) + count;
  }
}
