/** The least that a queue in Redis can hold of its waiting jobs: one hash of their data and one list of their ids. */
import { Redis } from 'ioredis';
import { compete, numberOf, readInfo } from '../harness/contender.ts';
import { VALUE } from '../harness/value.ts';

compete({
  async bytes(task) {
    const redis = new Redis(task.redisUrl);
    const before = await readInfo(redis, 'used_memory');
    const jobs = numberOf(task, 'jobs');
    for (let n = 0; n < jobs; n += 1) {
      const id = String(n).padStart(12, '0');
      await redis.pipeline().hset('jobs', id, JSON.stringify(VALUE)).rpush('line', id).exec();
    }
    return { bytes: ((await readInfo(redis, 'used_memory')) - before) / jobs };
  },
});
