import { NO_REDIS, startTestRedis } from '@portolan/testkit/choose-redis';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string | null;
  }
}

/** One real Redis for all test files of this package. Without any, the cases that need it are skipped (and under CI the run fails). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await startTestRedis();
  project.provide('redisUrl', redis?.url ?? null);
  if (!redis) console.warn(NO_REDIS);
  return async () => redis?.close();
}
