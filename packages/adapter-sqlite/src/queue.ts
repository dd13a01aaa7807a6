import type { QueuePort } from '@portolan/core';
import type { SqliteContext } from './context.ts';

export function sqliteQueue(_context: SqliteContext): QueuePort {
  return {} as QueuePort;
}
