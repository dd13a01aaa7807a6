import type { KeyValuePort } from '@portolan/core';
import type { MemoryContext } from './hub.ts';

export function memoryKeyValue(_context: MemoryContext): KeyValuePort {
  return {} as KeyValuePort;
}
