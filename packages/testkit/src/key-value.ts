import type { Harness } from './harness.ts';
import { keyValueBehaviourCases } from './key-value-behaviour.ts';
import { keyValueCommitCases } from './key-value-commit.ts';
import { keyValueFieldCases } from './key-value-fields.ts';
import { keyValuePortCases } from './key-value-port.ts';
import { keyValueRaceCases } from './key-value-races.ts';
import { keyValueScanCases } from './key-value-scan.ts';
import { suite } from './suite.ts';

/** The port alone, core on the port, and many writers in two processes. */
export function keyValueSuite(harness: Harness): void {
  suite(harness, 'key-value port', keyValuePortCases);
  suite(harness, 'key-value commit', keyValueCommitCases);
  suite(harness, 'key-value scan', keyValueScanCases);
  suite(harness, 'key-value', keyValueBehaviourCases);
  suite(harness, 'key-value fields', keyValueFieldCases);
  suite(harness, 'key-value races', keyValueRaceCases);
}
