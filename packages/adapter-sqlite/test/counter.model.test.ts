import { memoryAdapter } from '@portolan/adapter-memory';
import { type Backend, createRuntime } from '@portolan/core';
import { checkCounterModel } from '@portolan/testkit';
import { afterAll, beforeAll, it } from 'vitest';
import { sqliteHarness } from './harness.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 200);
const runtime = createRuntime();
let subject: Backend;
beforeAll(async () => {
  subject = await sqliteHarness.open({ namespace: `model-${runtime.id()}`, runtime });
});
afterAll(() => subject.close());

it('counts like the memory adapter, whatever is asked in whatever order', async () => {
  await checkCounterModel(async () => {
    for (const key of ['a', 'b', 'c']) await subject.counter.write(key, null);
    const oracle = await memoryAdapter().open('memory:', { namespace: 'model', runtime, deadlineMs: 1_000 });
    return { oracle: oracle.counter, subject: subject.counter };
  }, RUNS);
}, 600_000);
