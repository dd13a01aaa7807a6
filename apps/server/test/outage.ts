import { type PrivateRedis, type PrivateRedisOptions, startPrivateRedis } from '@portolan/testkit/redis-server';
import { expect, onTestFinished } from 'vitest';
import { type Answer, call, type Fleet, found, startFleet } from './faults.ts';

/** A call's deadline is 2 s; the rest is for a machine that does much else. */
export const DEADLINE_MS = 5_000;

/** What is asked for while Redis is away is refused at once (503), or when its deadline has passed without an answer (504). */
export function expectAway({ status, body, ms }: Answer): void {
  expect([503, 504]).toContain(status);
  expect(['UNAVAILABLE', 'TIMEOUT']).toContain((body as { code: string }).code);
  expect(ms).toBeLessThan(DEADLINE_MS);
}

export const untilReady = (url: string) =>
  found('readiness', async () => ((await call(url, '/readyz')).status === 200 ? true : undefined));

/** A Redis for this test. */
export async function redisFor(options: PrivateRedisOptions = {}): Promise<PrivateRedis> {
  const redis = await startPrivateRedis(options);
  onTestFinished(() => redis.close());
  return redis;
}

/** With every acknowledged write on its disk. */
export const DURABLE: PrivateRedisOptions = { appendOnly: true, args: ['--appendfsync', 'always'] };

/** Processes for this test. */
export async function fleetFor(redis: PrivateRedis, workers: number): Promise<Fleet> {
  const fleet = await startFleet(redis, workers);
  onTestFinished(() => fleet.kill());
  return fleet;
}
