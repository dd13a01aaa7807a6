import type { Backend } from '@portolan/core';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { createKit, type Harness, type Kit } from './harness.ts';

export interface Case {
  readonly kit: Kit;
  /** The first process. */
  readonly backend: Backend;
}

export type AddCase = (name: string, body: (test: Case) => Promise<void>, timeoutMs?: number) => void;

/**
 * One suite: `describe`s the cases with a fresh namespace and an open backend for each. A case that the harness skips is reported
 * as skipped, its reason printed.
 */
export function suite(harness: Harness, name: string, cases: (add: AddCase) => void): void {
  describe(`${harness.name}: ${name}`, () => {
    let kit: Kit;
    let backend: Backend;
    beforeEach(async () => {
      kit = await createKit(harness);
      backend = await kit.open();
    });
    afterEach(() => kit.close());
    cases((caseName, body, timeoutMs) => {
      const skipped = harness.skip?.find((one) => one.case === `${name}: ${caseName}`);
      if (skipped) it.skip(`${caseName} (skipped: ${skipped.reason})`);
      else it(caseName, () => body({ kit, backend }), timeoutMs);
    });
  });
}
