import type { Capabilities, Clock } from '@portolan/core';
import type { CallCount } from './calls.ts';

export interface SystemFacts {
  readonly version: string;
  readonly pid: number;
  readonly backend: Capabilities;
  readonly instance: string;
}

export type SystemService = ReturnType<typeof createSystemService>;

/** What a process says of itself. */
export function createSystemService(
  facts: SystemFacts,
  calls: CallCount,
  pingStore: () => Promise<void>,
  clock: Clock,
) {
  return {
    countCall: () => calls.add(),
    /** Asks the store: UNAVAILABLE when it does not answer. */
    async ping() {
      await pingStore();
      return { pong: true as const, at: new Date(clock.now()).toISOString() };
    },
    info: () => facts,
    flush: () => calls.flush(),
  };
}
