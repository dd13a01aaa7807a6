import type { CounterPort } from '@portolan/core';
import type { SqliteContext } from './context.ts';

export function sqliteCounter(_context: SqliteContext): CounterPort {
  return {} as CounterPort;
}
