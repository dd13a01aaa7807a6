import { type Backend, invalid, openBackend, type Runtime } from '@portolan/core';
import { knownAdapters } from './adapters.ts';

export interface StoreOptions {
  readonly namespace: string;
  readonly runtime: Runtime;
  /** No call takes longer than this many ms. */
  readonly deadlineMs: number;
}

/** Opens the store of a URL for a tool: without the logs and metrics of a process that serves. Throws INVALID as `openBackend` does. */
export function openStore(url: string, options: StoreOptions): Promise<Backend> {
  return openBackend(url, { ...options, adapters: knownAdapters() });
}

/** Replaces everything at `url` by what a backup holds. Throws INVALID for a store that has no backups, and as `Adapter.restore` does. */
export async function restoreStore(url: string, file: string): Promise<void> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? '';
  const adapter = knownAdapters().find((one) => one.schemes.includes(scheme));
  if (!adapter?.restore) throw invalid(`a ${scheme}: store has no backups of this kind`);
  await adapter.restore(url, file);
}
