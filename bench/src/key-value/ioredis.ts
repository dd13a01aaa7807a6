/** The client alone: what JSON in Redis costs without a library over it. */
import { Redis } from 'ioredis';
import { VALUE } from '../harness/value.ts';
import { competeWithStore } from './works.ts';

competeWithStore(async ({ redisUrl }) => {
  const redis = new Redis(redisUrl, { enableAutoPipelining: true });
  return {
    set: (key) => redis.set(key, JSON.stringify(VALUE)),
    get: async (key) => JSON.parse((await redis.get(key)) ?? 'null'),
  };
});
