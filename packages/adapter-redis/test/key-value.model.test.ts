import { MemoryHub, memoryAdapter } from '@portolan/adapter-memory';
import { createRuntime, type OpenOptions } from '@portolan/core';
import { checkKeyValueModel } from '@portolan/testkit';
import { afterAll, beforeAll, it } from 'vitest';
import { redisAdapter } from '../src/index.ts';
import { redisUrl } from './harness.ts';

const runtime = createRuntime();
const options = (namespace: string): OpenOptions => ({ namespace, runtime, deadlineMs: 5_000 });

/** One connection for all runs: a namespace a run would open thousands. Runs begin with what the keys of the model hold deleted. */
let redis: Awaited<ReturnType<ReturnType<typeof redisAdapter>['open']>>;
beforeAll(async () => {
  redis = await redisAdapter().open(redisUrl(), options(`model-${runtime.id()}`));
});
afterAll(() => redis.close());

const RUNS = Number(process.env.MODEL_RUNS ?? 200);

it('Redis answers as the memory adapter does, for random sequences of calls', async () => {
  await checkKeyValueModel(async () => {
    const memory = await memoryAdapter({ hub: new MemoryHub(runtime.clock) }).open('memory:', options('model'));
    let cursor: string | null = null;
    do {
      const page = await redis.keyValue.scan({ match: '*', cursor, limit: 1_000 });
      await redis.keyValue.commit(
        [],
        page.items.map(({ key }) => ({ op: 'delete', key })),
      );
      ({ cursor } = page);
    } while (cursor !== null);
    return { oracle: memory.keyValue, subject: redis.keyValue, close: () => memory.close() };
  }, RUNS);
}, 600_000);
