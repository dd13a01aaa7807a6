import type { CounterPort } from '@portolan/core';
import type { MemoryContext } from './hub.ts';

export function memoryCounter(_context: MemoryContext): CounterPort {
  return {} as CounterPort;
}
