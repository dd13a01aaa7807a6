import type { DocumentPort } from '@portolan/core';
import type { MemoryContext } from './hub.ts';

export function memoryDocument(_context: MemoryContext): DocumentPort {
  return {} as DocumentPort;
}
