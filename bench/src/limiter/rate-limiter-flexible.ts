import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { competeWithCalls, numberOf } from '../harness/contender.ts';
import { keyOf } from './keys.ts';

competeWithCalls(['consume'], async (task) => {
  const storeClient = new Redis(task.redisUrl, { enableAutoPipelining: task.parameters.pipelining === 1 });
  const limiter = new RateLimiterRedis({ storeClient, points: numberOf(task, 'limit'), duration: 60 });
  // A refusal is a rejection that answers, and no error.
  return (n) => limiter.consume(keyOf(n)).catch(() => undefined);
});
