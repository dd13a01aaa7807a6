import { type Adapter, invalid } from '@portolan/core';
import type { RedisOptions } from 'ioredis';
import { redisBroadcast } from './broadcast.ts';
import { redisCache } from './cache.ts';
import { RedisConnection } from './connection.ts';
import { redisCounter } from './counter.ts';
import { redisDocument } from './document.ts';
import { warnOfEviction } from './eviction.ts';
import { redisKeyValue } from './key-value.ts';
import { redisQueue } from './queue.ts';

/** Redis 7.0 or newer (or Valkey), standalone: `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS. */
export function redisAdapter(): Adapter {
  return {
    schemes: ['redis', 'rediss'],
    async open(url, { namespace, runtime, deadlineMs }) {
      const connection = new RedisConnection(parseRedisUrl(url), namespace, runtime, deadlineMs);
      await connection.open();
      void warnOfEviction(connection);
      return {
        keyValue: redisKeyValue(connection),
        cache: redisCache(connection),
        counter: redisCounter(connection),
        document: redisDocument(connection),
        queue: redisQueue(connection),
        broadcast: redisBroadcast(connection),
        capabilities: { name: 'redis', shared: true, durable: true },
        ping: () => connection.run(async (client) => void (await client.ping())),
        close: () => connection.close(),
      };
    },
  };
}

/** Connection options of a Redis URL. Throws INVALID without repeating the URL: it may hold a password. */
export function parseRedisUrl(text: string): RedisOptions {
  if (!URL.canParse(text)) throw invalid('backend URL: not a URL; an example is redis://:password@host:6379/0');
  const url = new URL(text);
  const database = url.pathname.replace(/^\//, '');
  if (!/^\d{0,4}$/.test(database))
    throw invalid('backend URL: the path of a Redis URL is a database number, as in redis://host:6379/0');
  if (!url.hostname) throw invalid('backend URL: no host; an example is redis://127.0.0.1:6379');
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port ? Number(url.port) : 6379,
    db: database ? Number(database) : 0,
    ...(url.username ? { username: decodeURIComponent(url.username) } : {}),
    ...(url.password ? { password: decodeURIComponent(url.password) } : {}),
    ...(url.protocol === 'rediss:' ? { tls: { servername: url.hostname } } : {}),
  };
}
