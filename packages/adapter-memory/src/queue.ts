import type { QueuePort } from '@portolan/core';
import type { MemoryContext } from './hub.ts';

export function memoryQueue(_context: MemoryContext): QueuePort {
  return {} as QueuePort;
}
