import type { BroadcastPort } from '@portolan/core';
import type { RedisContext } from './connection.ts';

export function redisBroadcast(_context: RedisContext): BroadcastPort {
  return {} as BroadcastPort;
}
