import { type Cache, type Capabilities, type Clock, PortolanError } from '@portolan/core';
import type { z } from 'zod';
import type { CallCount } from './calls.ts';
import type { cacheListInput } from './schema.ts';

export interface SystemFacts {
  readonly version: string;
  readonly pid: number;
  readonly backend: Capabilities;
  readonly instance: string;
}

export type SystemService = ReturnType<typeof createSystemService>;

export interface SystemParts {
  readonly facts: SystemFacts;
  readonly calls: CallCount;
  readonly cache: Cache;
  readonly ping: () => Promise<void>;
  readonly clock: Clock;
}

/** What a process says of itself, and what its cache holds. */
export function createSystemService({ facts, calls, cache, ping, clock }: SystemParts) {
  return {
    countCall: () => calls.add(),
    /** Asks the store: UNAVAILABLE when it does not answer. */
    async ping() {
      await ping();
      return { pong: true as const, at: new Date(clock.now()).toISOString() };
    },
    info: () => facts,
    async cacheList({ pattern, cursor, limit }: z.output<typeof cacheListInput>) {
      const page = await cache.keys({ match: pattern ?? '*', cursor: cursor ?? null, ...(limit ? { limit } : {}) });
      return { entries: [...page.keys], cursor: page.cursor };
    },
    async cacheEntry(key: string) {
      const entry = await cache.inspect(key);
      if (!entry) throw new PortolanError('NOT_FOUND', `cache entry ${key} does not exist`);
      return { ...entry, tags: [...entry.tags] };
    },
    flush: () => calls.flush(),
  };
}
