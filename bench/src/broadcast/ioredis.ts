/** PUBLISH and SUBSCRIBE alone: nothing is kept, and who was away has missed it. */
import { Redis } from 'ioredis';
import { VALUE } from '../harness/value.ts';
import { competeWithChannel } from './works.ts';

competeWithChannel(async ({ redisUrl, parameters }) => {
  const redis = new Redis(redisUrl, { enableAutoPipelining: parameters.pipelining === 1 });
  return {
    publish: () => redis.publish('topic', JSON.stringify(VALUE)),
    async subscribe(receive) {
      redis.on('message', (_, text) => {
        JSON.parse(text);
        receive();
      });
      await redis.subscribe('topic');
    },
  };
});
