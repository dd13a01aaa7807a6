import type { QueueLimits, RunLimits } from '@portolan/core';
import fc from 'fast-check';

/** Windows far too long to end. */
const runLimits: fc.Arbitrary<RunLimits> = fc.record(
  {
    concurrency: fc.integer({ min: 1, max: 3 }),
    rate: fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      ms: fc.integer({ min: 1, max: 1_000 }).map((n) => n * 3_600_000),
    }),
  },
  { requiredKeys: [] },
);
/** Limits of queues and of groups, or none. */
export const anyLimits: fc.Arbitrary<QueueLimits | null> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: runLimits },
  { weight: 3, arbitrary: runLimits.map((group) => ({ group })) },
  { weight: 1, arbitrary: fc.tuple(runLimits, runLimits).map(([queue, group]) => ({ ...queue, group })) },
);
