import { type Backend, copyBackend } from '@portolan/core';
import type { Harness } from './harness.ts';
import type { AddCase, Case } from './suite.ts';

/** What a test moves from and to: the first process's store, and an empty one. */
export interface Move extends Case {
  readonly to: Backend;
  copy(options?: Partial<Parameters<typeof copyBackend>[0]>): ReturnType<typeof copyBackend>;
}

export type AddMove = (
  name: string,
  body: (move: Move) => Promise<void>,
  other?: Pick<Harness, 'name' | 'open'>,
) => void;

/** Adds cases with a second namespace, of this store or of another. */
export function moveCases(harness: Harness, add: AddCase): AddMove {
  return (name, body, other = harness) =>
    add(name, async (test) => {
      const { kit, backend } = test;
      const to = await other.open({ namespace: `${kit.namespace}-to`, runtime: kit.runtime });
      const copy: Move['copy'] = (options) => copyBackend({ from: backend, to, runtime: kit.runtime, ...options });
      try {
        await body({ ...test, to, copy });
      } finally {
        await to.close();
      }
    });
}
