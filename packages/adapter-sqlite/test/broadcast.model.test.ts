import { memoryAdapter } from '@portolan/adapter-memory';
import { createRuntime } from '@portolan/core';
import { checkBroadcastModel } from '@portolan/testkit';
import { afterAll, it } from 'vitest';
import { sqliteHarness } from './harness.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 200);
const runtime = createRuntime();
const closing: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const close of closing) await close();
});

it('broadcasts like the memory adapter, whatever is asked in whatever order', async () => {
  await checkBroadcastModel(async () => {
    const namespace = `model-${runtime.id()}`;
    const subject = await sqliteHarness.open({ namespace, runtime });
    const oracle = await memoryAdapter().open('memory:', { namespace, runtime, deadlineMs: 1_000 });
    closing.push(() => subject.close());
    if (closing.length > 20) await closing.shift()?.();
    return { oracle: oracle.broadcast, subject: subject.broadcast };
  }, RUNS);
}, 600_000);
