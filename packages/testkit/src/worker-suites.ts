import type { Harness } from './harness.ts';
import { workerSuite } from './worker.ts';
import { workerAheadSuite } from './worker-ahead.ts';
import { workerBatchSuite } from './worker-batch.ts';
import { workerFaultSuite } from './worker-faults.ts';
import { workerFlowSuite } from './worker-flow.ts';
import { workerFlowFaultSuite } from './worker-flow-faults.ts';
import { workerManySuite } from './worker-many.ts';
import { workerPolicySuite } from './worker-policy.ts';
import { workerResultSuite } from './worker-result.ts';
import { workerScheduleSuite } from './worker-schedule.ts';
import { workerScheduleInputSuite } from './worker-schedule-input.ts';
import { workerSlotsSuite } from './worker-slots.ts';

/** Core's worker on the queue port. */
export function workerSuites(harness: Harness): void {
  workerSuite(harness);
  workerFaultSuite(harness);
  workerFlowSuite(harness);
  workerFlowFaultSuite(harness);
  workerManySuite(harness);
  workerPolicySuite(harness);
  workerResultSuite(harness);
  workerScheduleSuite(harness);
  workerScheduleInputSuite(harness);
  workerSlotsSuite(harness);
  workerAheadSuite(harness);
  workerBatchSuite(harness);
}
