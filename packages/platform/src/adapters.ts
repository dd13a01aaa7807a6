import { memoryAdapter } from '@portolan/adapter-memory';
import { redisAdapter } from '@portolan/adapter-redis';
import { sqliteAdapter } from '@portolan/adapter-sqlite';
import type { Adapter } from '@portolan/core';

/** The adapters a Portolan process knows: the only place that names them. */
export function knownAdapters(): readonly Adapter[] {
  return [memoryAdapter(), redisAdapter(), sqliteAdapter()];
}
