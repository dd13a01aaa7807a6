import type { KeyValuePort } from '@portolan/core';
import type { RedisContext } from './connection.ts';

export function redisKeyValue(_context: RedisContext): KeyValuePort {
  return {} as KeyValuePort;
}
