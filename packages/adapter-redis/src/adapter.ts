import type { Adapter } from '@portolan/core';
import { redisBroadcast } from './broadcast.ts';
import { redisCache } from './cache.ts';
import { RedisConnection } from './connection.ts';
import { redisCounter } from './counter.ts';
import { redisDocument } from './document.ts';
import { warnOfEviction } from './eviction.ts';
import { redisKeyValue } from './key-value.ts';
import { parseRedisUrl } from './options.ts';
import { redisQueue } from './queue.ts';
import { redisTransfer } from './transfer.ts';

/**
 * Redis 7.0 or newer (or Valkey), standalone: `redis://[[user]:password@]host[:port][/database]`, `rediss://` for TLS. A server whose
 * certificate no public authority signed: `?tlsCa=/path/to/ca.pem`, or `NODE_EXTRA_CA_CERTS` for the whole process.
 */
export function redisAdapter(): Adapter {
  return {
    schemes: ['redis', 'rediss'],
    async open(url, { namespace, runtime, deadlineMs }) {
      const connection = new RedisConnection(parseRedisUrl(url), namespace, runtime, deadlineMs);
      connection.client.once('ready', () => void warnOfEviction(connection));
      await connection.open();
      return {
        keyValue: redisKeyValue(connection),
        cache: redisCache(connection),
        counter: redisCounter(connection),
        document: redisDocument(connection),
        queue: redisQueue(connection),
        broadcast: redisBroadcast(connection),
        transfer: redisTransfer(connection),
        capabilities: { name: 'redis', shared: true, durable: true },
        ping: () => connection.run(async (client) => void (await client.ping())),
        close: () => connection.close(),
      };
    },
  };
}
