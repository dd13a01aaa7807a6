import type { BroadcastPort } from '@portolan/core';
import type { MemoryContext } from './hub.ts';

export function memoryBroadcast(_context: MemoryContext): BroadcastPort {
  return {} as BroadcastPort;
}
