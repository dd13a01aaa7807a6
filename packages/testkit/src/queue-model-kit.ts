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
/** Mostly nothing, so that most jobs wait: the more do, the more the commands have to choose from. */
export const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
/** Far off, so that no real time matters; unequal, so that the order is known. */
export const delay = sometimes(fc.integer({ min: 1, max: 1_000 })).map((n = 0) => n * 3_600_000);

export const command = (text: string, step: Step): Command => ({ text, step, [fc.toStringMethod]: () => text });
