import { memoryAdapter } from '@portolan/adapter-memory';
import { type Backend, createRuntime } from '@portolan/core';
import { checkDocumentModel } from '@portolan/testkit';
import { afterAll, beforeAll, it } from 'vitest';
import { redisHarness } from './harness.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 200);
const runtime = createRuntime();
const opened: Backend[] = [];
let round = 0;

beforeAll(async () => {
  opened.push(await redisHarness.open({ namespace: 'warm', runtime }));
});
afterAll(() => Promise.all(opened.map((backend) => backend.close())));

it('keeps documents like the memory adapter, whatever is written in whatever order', async () => {
  const run = runtime.id();
  await checkDocumentModel(async () => {
    const namespace = `model-${run}-${round++}`;
    const subject = await redisHarness.open({ namespace, runtime });
    const oracle = await memoryAdapter().open('memory:', { namespace, runtime, deadlineMs: 1_000 });
    opened.push(subject);
    if (opened.length > 20) await opened.shift()?.close();
    return { oracle: oracle.document, subject: subject.document };
  }, RUNS);
}, 300_000);
