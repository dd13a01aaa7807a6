import { join } from 'node:path';
import { memoryAdapter } from '@portolan/adapter-memory';
import { redisAdapter } from '@portolan/adapter-redis';
import { sqliteAdapter } from '@portolan/adapter-sqlite';
import { createPortolan, openBackend, type Portolan } from '@portolan/core';
import type { Task } from './contest.ts';

/** Portolan on the store that the contender's command line names. A busy machine must not end a run, so the deadline is long. */
export async function openPortolan({ redisUrl, folder }: Task): Promise<Portolan> {
  const [store = ''] = process.argv.slice(2);
  const urls: Record<string, string> = {
    redis: redisUrl,
    sqlite: `sqlite:${join(folder, 'bench.db')}`,
    memory: 'memory:',
  };
  const adapters = [redisAdapter(), sqliteAdapter(), memoryAdapter()];
  return createPortolan(await openBackend(urls[store] ?? store, { adapters, deadlineMs: 30_000 }));
}
