import { memoryAdapter } from '@portolan/adapter-memory';
import { transferSuite } from '@portolan/testkit';
import { sqliteHarness } from './harness.ts';

const memory = memoryAdapter();

transferSuite({
  ...sqliteHarness,
  others: [
    {
      name: 'memory',
      open: ({ namespace, runtime }) => memory.open(`memory:${namespace}`, { namespace, runtime, deadlineMs: 1_000 }),
    },
  ],
});
