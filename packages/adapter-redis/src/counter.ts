import type { CounterPort } from '@portolan/core';
import type { RedisContext } from './connection.ts';

export function redisCounter(_context: RedisContext): CounterPort {
  return {} as CounterPort;
}
