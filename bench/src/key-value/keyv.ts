import KeyvRedis from '@keyv/redis';
import Keyv from 'keyv';
import { VALUE } from '../harness/value.ts';
import { competeWithStore } from './works.ts';

competeWithStore(async ({ redisUrl }) => {
  const keyv = new Keyv({ store: new KeyvRedis(redisUrl) });
  return { set: (key) => keyv.set(key, VALUE), get: (key) => keyv.get(key) };
});
