import type { DocumentPort } from '@portolan/core';
import type { SqliteContext } from './context.ts';

export function sqliteDocument(_context: SqliteContext): DocumentPort {
  return {} as DocumentPort;
}
