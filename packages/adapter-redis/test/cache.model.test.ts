import { memoryAdapter } from '@portolan/adapter-memory';
import { createRuntime } from '@portolan/core';
import { checkCacheModel } from '@portolan/testkit';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { redisHarness, redisUrl } from './harness.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 200);

it('caches like the memory adapter, whatever is asked in whatever order', async () => {
  const runtime = createRuntime();
  const namespace = `model-${runtime.id()}`;
  const redis = new Redis(redisUrl());
  const subject = await redisHarness.open({ namespace, runtime });
  const names = ['{a}', '{a}:lease', '{%7Bb%7D%25}', '{%7Bb%7D%25}:lease'].map((name) => `${namespace}:cache:${name}`);
  names.push(`${namespace}:cache-tag:t`, `${namespace}:cache-tag:u`);
  let left = 0;
  await checkCacheModel(async () => {
    left += await redis.del(...names);
    const oracle = await memoryAdapter().open('memory:', { namespace, runtime, deadlineMs: 1_000 });
    return { oracle: oracle.cache, subject: subject.cache };
  }, RUNS);
  // The sequences wrote under the names that are cleared between them.
  expect(left).toBeGreaterThan(0);
  await subject.close();
  redis.disconnect();
}, 600_000);
