import { type Cache, type CachePort, type CacheSettings, createCache, type Logger } from '@portolan/core';
import type { Kit } from './harness.ts';
import type { Case } from './suite.ts';

export interface CacheUnderTest {
  readonly cache: Cache;
  /** Messages of warnings so far. */
  readonly warnings: readonly string[];
}

/** A cache on the port (the first process's unless told), with its warnings. */
export function cacheOn({ kit, backend }: Case, settings: CacheSettings & { port?: CachePort } = {}): CacheUnderTest {
  const warnings: string[] = [];
  const warn: Logger['warn'] = (_fields, message) => void warnings.push(message);
  const runtime = { ...kit.runtime, logger: { ...kit.runtime.logger, warn } };
  return { cache: createCache({ port: backend.cache, runtime, ...settings }), warnings };
}

/** What `promise` comes to, letting time pass meanwhile. */
export async function passing<T>(kit: Kit, promise: Promise<T>): Promise<T> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  promise.then(end, end);
  await kit.eventually('the call ends', () => ended);
  return promise;
}

/** A factory that counts its runs and answers their number. */
export function counting(): { readonly factory: () => Promise<number>; readonly runs: () => number } {
  let runs = 0;
  return { factory: async () => ++runs, runs: () => runs };
}

/** A factory that waits for `open` before it answers `value`. */
export function gated<T>(value: T) {
  const started = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  return {
    factory: async (): Promise<T> => {
      runs += 1;
      started.resolve();
      await gate.promise;
      return value;
    },
    started: started.promise,
    open: gate.resolve,
    runs: () => runs,
  };
}

export const failing = async (): Promise<never> => {
  throw new Error('upstream is down');
};
