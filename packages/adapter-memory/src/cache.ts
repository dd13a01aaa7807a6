import type { CachePort } from '@portolan/core';
import type { MemoryContext } from './hub.ts';

export function memoryCache(_context: MemoryContext): CachePort {
  return {} as CachePort;
}
