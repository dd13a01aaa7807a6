import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';
import { competeWithCalls } from '../harness/contender.ts';
import type { Task } from '../harness/contest.ts';
import { VALUE } from '../harness/value.ts';
import { keyOf } from './keys.ts';

const [where] = process.argv.slice(2);

function storeOf({ redisUrl, parameters }: Task) {
  if (where === 'memory') return bentostore().useL1Layer(memoryDriver({ serialize: parameters.serialize === 1 }));
  const connection = new Redis(redisUrl, { enableAutoPipelining: parameters.pipelining === 1 });
  return bentostore().useL2Layer(redisDriver({ connection }));
}

competeWithCalls(
  ['hit'],
  async (task) => {
    const cache = new BentoCache({ default: 'cache', stores: { cache: storeOf(task) } });
    return (n) => cache.getOrSet({ key: keyOf(n), ttl: '1h', factory: async () => VALUE });
  },
  { onRedis: where === 'redis' },
);
