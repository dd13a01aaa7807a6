import { readFileSync } from 'node:fs';
import { invalid } from '@portolan/core';
import type { RedisOptions } from 'ioredis';
import { EXCHANGE } from './queue-scripts/exchange.ts';
import { PUSH } from './queue-scripts/push.ts';

/**
 * Connection options of `redis[s]://[[user]:password@]host[:port][/database][?tlsCa=PATH]`. `tlsCa` names a PEM file with the
 * authority that signed the server's certificate, trusted instead of the usual ones. Throws INVALID without repeating the URL: it
 * may hold a password.
 */
export function parseRedisUrl(text: string): RedisOptions {
  if (!URL.canParse(text)) throw invalid('backend URL: not a URL; an example is redis://:password@host:6379/0');
  const url = new URL(text);
  const tls = url.protocol === 'rediss:';
  const database = url.pathname.replace(/^\//, '');
  if (!/^\d{0,4}$/.test(database) || url.hash)
    throw invalid('backend URL: the path of a Redis URL is a database number, as in redis://host:6379/0');
  if (!url.hostname) throw invalid('backend URL: no host; an example is redis://127.0.0.1:6379');
  for (const name of url.searchParams.keys()) {
    if (name !== 'tlsCa') throw invalid('backend URL: the only parameter of a Redis URL is tlsCa');
    if (!tls) throw invalid('backend URL: tlsCa needs TLS, as in rediss://host:6379?tlsCa=/etc/redis-ca.pem');
  }
  const ca = url.searchParams.get('tlsCa');
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port ? Number(url.port) : 6379,
    db: database ? Number(database) : 0,
    ...(url.username ? { username: decoded('user', url.username) } : {}),
    ...(url.password ? { password: decoded('password', url.password) } : {}),
    ...(tls ? { tls: ca === null ? {} : { ca: readAuthority(ca) } } : {}),
  };
}

const RECONNECT_MS = { first: 50, most: 500 };

/** How every connection of a backend behaves. The deadline of a call is not here but in `Deadlines`. */
export function connectionOptions(base: RedisOptions, deadlineMs: number): RedisOptions {
  return {
    ...base,
    lazyConnect: true,
    // Nothing waits for a connection: a call made while Redis is away fails at once, and one whose reply was lost is the caller's to repeat.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: deadlineMs,
    // A connection that was asked and stays silent for so long is dead, though the kernel would wait for minutes. Longer than the
    // deadline of the call that finds it out, which so ends with TIMEOUT.
    socketTimeout: Math.ceil(deadlineMs * 1.5),
    retryStrategy: (times) => Math.min(RECONNECT_MS.first * times, RECONNECT_MS.most),
    maxLoadingRetryTime: RECONNECT_MS.most,
    // After a failover the name may lead to the new primary.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    enableAutoPipelining: true,
    // Batches already, which would gain nothing, and would wait for the pipeline before them: ioredis has one under way at a time.
    autoPipeliningIgnoredCommands: [PUSH.name, EXCHANGE.name],
  };
}

function decoded(what: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`backend URL: the ${what} is not percent-encoded`);
  }
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw invalid(`backend URL: tlsCa: cannot read ${path} (${code})`);
  }
}
