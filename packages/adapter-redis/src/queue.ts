import type { QueuePort } from '@portolan/core';
import type { RedisContext } from './connection.ts';

export function redisQueue(_context: RedisContext): QueuePort {
  return {} as QueuePort;
}
