import type { CachePort } from '@portolan/core';
import type { SqliteContext } from './context.ts';

export function sqliteCache(_context: SqliteContext): CachePort {
  return {} as CachePort;
}
