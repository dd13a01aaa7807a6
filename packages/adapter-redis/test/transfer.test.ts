import { memoryAdapter } from '@portolan/adapter-memory';
import { transferSuite } from '@portolan/testkit';
import { redisHarness } from './harness.ts';

const memory = memoryAdapter();

transferSuite({
  ...redisHarness,
  others: [
    {
      name: 'memory',
      open: ({ namespace, runtime }) => memory.open(`memory:${namespace}`, { namespace, runtime, deadlineMs: 1_000 }),
    },
  ],
});
