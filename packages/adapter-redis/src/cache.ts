import type { CachePort } from '@portolan/core';
import type { RedisContext } from './connection.ts';

export function redisCache(_context: RedisContext): CachePort {
  return {} as CachePort;
}
