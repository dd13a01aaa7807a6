import type { DocumentPort } from '@portolan/core';
import type { RedisContext } from './connection.ts';

export function redisDocument(_context: RedisContext): DocumentPort {
  return {} as DocumentPort;
}
