import type { KeyValuePort } from '@portolan/core';
import type { SqliteContext } from './context.ts';

export function sqliteKeyValue(_context: SqliteContext): KeyValuePort {
  return {} as KeyValuePort;
}
