import { memoryAdapter } from '@portolan/adapter-memory';
import { createRuntime } from '@portolan/core';
import { checkQueueModel } from '@portolan/testkit';
import { it } from 'vitest';
import { redisHarness } from './harness.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 200);

it(
  'queues like the memory adapter, whatever is asked in whatever order',
  async () => {
    const runtime = createRuntime();
    const namespace = `model-${runtime.id()}`;
    const subject = await redisHarness.open({ namespace, runtime });
    const oracle = await memoryAdapter().open('memory:', { namespace, runtime, deadlineMs: 1_000 });
    try {
      await checkQueueModel(oracle.queue, subject.queue, RUNS);
    } finally {
      await subject.close();
    }
  },
  60_000 + RUNS * 300,
);
