import type { QueuePort } from '@portolan/core';
import fc from 'fast-check';

type Step = (port: QueuePort, queue: string, nonce: string) => Promise<unknown>;
export interface Command {
  readonly text: string;
  readonly step: Step;
  readonly [fc.toStringMethod]: () => string;
}

export const id = fc.integer({ min: 1, max: 8 }).map((n) => `j${n}`);
export const session = fc.constantFrom('a', 'b');
/** Far off, so that no real time matters; unequal, so that the order is known. */
export const delay = fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: 0, freq: 3 }).map((n) => n * 3_600_000);

export const command = (text: string, step: Step): Command => ({ text, step, [fc.toStringMethod]: () => text });
