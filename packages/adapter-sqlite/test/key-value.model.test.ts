import { MemoryHub, memoryAdapter } from '@portolan/adapter-memory';
import { createRuntime } from '@portolan/core';
import { checkKeyValueModel } from '@portolan/testkit';
import { it } from 'vitest';
import { sqliteHarness } from './harness.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 200);
const runtime = createRuntime();

it('SQLite answers as the memory adapter does, for random sequences of calls', async () => {
  await checkKeyValueModel(async () => {
    const namespace = `model-${runtime.id()}`;
    const subject = await sqliteHarness.open({ namespace, runtime });
    const oracle = await memoryAdapter({ hub: new MemoryHub(runtime.clock) }).open('memory:', {
      namespace,
      runtime,
      deadlineMs: 1_000,
    });
    return { oracle: oracle.keyValue, subject: subject.keyValue, close: () => subject.close() };
  }, RUNS);
}, 600_000);
