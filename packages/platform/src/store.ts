import { type Adapter, type Backend, invalid, openBackend, type Runtime } from '@portolan/core';
import { knownAdapters } from './adapters.ts';

export interface StoreOptions {
  readonly namespace: string;
  readonly runtime: Runtime;
  /** No call takes longer than this many ms. */
  readonly deadlineMs: number;
  /** It is only looked at, see `OpenOptions`. */
  readonly readOnly?: boolean;
}

/** Opens the store of a URL for a tool: without the logs and metrics of a process that serves. Throws INVALID as `openBackend` does. */
export function openStore(url: string, options: StoreOptions): Promise<Backend> {
  return openBackend(url, { ...options, adapters: knownAdapters() });
}

/** Replaces everything at `url` by what a backup holds. Throws INVALID for a store that has no backups, and as `Adapter.restore` does. */
export async function restoreStore(url: string, file: string): Promise<void> {
  const adapter = adapterOf(url);
  if (!adapter?.restore) throw invalid(`a ${schemeOf(url)}: store has no backups of this kind`);
  await adapter.restore(url, file);
}

/** Whether both URLs name one store, as far as can be told without opening it. */
export function isSameStore(url: string, other: string): boolean {
  const identify = (one: string) => adapterOf(one)?.identify?.(one) ?? one;
  return identify(url) === identify(other);
}

const schemeOf = (url: string): string => /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? '';

const adapterOf = (url: string): Adapter | undefined =>
  knownAdapters().find((one) => one.schemes.includes(schemeOf(url)));
