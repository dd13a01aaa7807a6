import type { BroadcastPort } from '@portolan/core';
import type { SqliteContext } from './context.ts';

export function sqliteBroadcast(_context: SqliteContext): BroadcastPort {
  return {} as BroadcastPort;
}
