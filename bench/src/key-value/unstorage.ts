import { createStorage } from 'unstorage';
import redisDriver, { type RedisOptions } from 'unstorage/drivers/redis';
import { VALUE } from '../harness/value.ts';
import { competeWithStore } from './works.ts';

competeWithStore(async ({ redisUrl, parameters }) => {
  const options: RedisOptions = { url: redisUrl, enableAutoPipelining: parameters.pipelining === 1 };
  const storage = createStorage({ driver: redisDriver(options) });
  return { set: (key) => storage.setItem(key, VALUE), get: (key) => storage.getItem(key) };
});
