import { ageOf, windowOf } from './cache-entry.ts';
import { answerOf, type Factory, type Filled, type FillParts, type FillTask, fillOnce } from './cache-fill.ts';
import { Flights, orCancelled } from './cache-flight.ts';
import { type CacheOptions, checkOptions, checkTags } from './cache-options.ts';
import { type LoadedEntry, loadEntry } from './cache-store.ts';
import { invalid, PortolanError } from './errors.ts';
import { fullPage } from './full-page.ts';
import { prefixGlob } from './glob.ts';
import { checkKey, checkName } from './names.ts';
import type { CachePort } from './ports/cache.ts';
import type { Runtime } from './runtime.ts';

export interface CacheAnswer<T> {
  readonly value: T;
  /** `HIT` from the store and fresh, `MISS` from a factory that this process ran, `STALE` from the store past its freshness. */
  readonly status: 'HIT' | 'MISS' | 'STALE';
  readonly ageMs: number;
}

export interface CacheInspection {
  readonly key: string;
  readonly value: unknown;
  readonly type: 'json';
  readonly ageMs: number;
  /** ms until the entry ends, and until it is no longer fresh (0 when it is not). */
  readonly ttlMs: number;
  readonly freshMs: number;
  readonly tags: readonly string[];
}

export interface CacheKeys {
  readonly keys: readonly { readonly key: string; readonly ttlMs: number; readonly size: number }[];
  /** Null at the end. */
  readonly cursor: string | null;
}

/**
 * Values that a factory can make again. One process of all runs a key's factory at a time; the others wait for its value. Values are JSON,
 * and every caller gets an object of its own. Freshness is judged by this process's clock: clocks that differ shift the windows by as much.
 *
 * With the store away nothing that has a factory fails: it runs, once per process at a time, and the log is warned at most once a second.
 */
export interface Cache {
  /** The value under the key, made by the factory when the cache has none that may be used. */
  getOrSet<T>(key: string, factory: Factory<T>, options: CacheOptions): Promise<T>;
  /** `getOrSet` with how it was answered. */
  fetch<T>(key: string, factory: Factory<T>, options: CacheOptions): Promise<CacheAnswer<T>>;
  /** The value while it is fresh or stale. Naming the entry's tags saves a round trip. */
  get<T>(
    key: string,
    options?: { readonly tags?: readonly string[] },
  ): Promise<{ readonly value: T; readonly ageMs: number; readonly stale: boolean } | undefined>;
  /** Removes entries; what a factory under way computes for them is not stored. Answers how many there were. */
  drop(...keys: string[]): Promise<number>;
  /** Makes every entry with one of the tags invalid, also those whose factory is under way. */
  invalidateTags(...tags: string[]): Promise<void>;
  /** A valid entry as it is stored, the time for errors included. */
  inspect(key: string): Promise<CacheInspection | undefined>;
  /** Keys by a portable glob, unordered, at least once. `limit` 1 to 1,000, default 100. For inspection, not for work. */
  keys(query?: {
    readonly match?: string;
    readonly cursor?: string | null;
    readonly limit?: number;
  }): Promise<CacheKeys>;
}

export interface CacheSettings {
  /** Prefix of keys and tags: caches of different names do not meet. */
  readonly name?: string;
  /** ms that a process waits for another one's factory before it runs its own. Default 10,000. */
  readonly leaseMs?: number;
  /** A larger entry is answered, not stored. Default 1 MiB. */
  readonly maxEntryBytes?: number;
}

export interface CacheParts extends CacheSettings {
  readonly port: CachePort;
  readonly runtime: Runtime;
}

const WARN_EVERY_MS = 1_000;

export function createCache(parts: CacheParts): Cache {
  const { port, runtime, leaseMs = 10_000, maxEntryBytes = 2 ** 20 } = parts;
  const prefix = parts.name === undefined ? '' : `${checkName(parts.name, 'cache')}:`;
  if (!Number.isSafeInteger(leaseMs) || leaseMs < 1) throw invalid('leaseMs: whole ms, at least 1');
  const flights = new Flights<Filled>();
  let warnedAt = Number.NEGATIVE_INFINITY;

  const fullKey = (key: string) => checkKey(prefix + key, 'cache key');
  const fullTags = (tags: readonly string[]) => checkTags(tags.map((tag) => prefix + tag));
  function warn(step: string, error: unknown): void {
    const now = runtime.clock.now();
    if (now - warnedAt < WARN_EVERY_MS) return;
    warnedAt = now;
    runtime.logger.warn(
      { step, reason: PortolanError.from(error).message },
      'the cache store failed; going on without it',
    );
  }
  const fillParts: FillParts = { port, runtime, leaseMs, maxEntryBytes, warn };

  /** Undefined when the store failed. */
  async function tryLoad(key: string, tags: readonly string[]): Promise<LoadedEntry | undefined> {
    return loadEntry(port, key, tags).catch((error: unknown) => {
      warn('read', error);
      return undefined;
    });
  }

  async function fetch<T>(plainKey: string, factory: Factory<T>, options: CacheOptions): Promise<CacheAnswer<T>> {
    const key = fullKey(plainKey);
    const plan = { ...checkOptions(options), tags: fullTags(options.tags ?? []) };
    const { mode, tags } = plan;
    const task: FillTask = { key, ...plan, refresh: mode === 'refresh', factory: factory as Factory<unknown> };
    const answer = async (filled: Promise<Filled>): Promise<CacheAnswer<T>> => {
      const ended = await orCancelled(filled, options.signal);
      return answerOf(ended, runtime.clock.now()) as CacheAnswer<T>;
    };
    if (options.signal?.aborted) throw new PortolanError('CANCELLED', 'the caller cancelled');
    if (mode === 'bypass') return answer(fillOnce(fillParts, task, undefined));
    if (mode === 'refresh') {
      const run = async () => fillOnce(fillParts, task, await tryLoad(key, tags));
      return answer(flights.join(key, task, run));
    }

    const loaded = mode === 'normal' ? await tryLoad(key, tags) : await loadEntry(port, key, tags);
    const now = runtime.clock.now();
    const entry = loaded?.entry;
    const window = entry ? windowOf(entry, now) : 'over';
    const stored = (status: 'HIT' | 'STALE') => ({
      value: entry?.value as T,
      status,
      ageMs: entry ? ageOf(entry, now) : 0,
    });
    if (window === 'fresh') return stored('HIT');
    const run = () => fillOnce(fillParts, task, loaded);
    if (window === 'stale') {
      if (mode === 'normal' && !flights.find(key, false)) {
        flights.join(key, task, run).catch((error: unknown) => logFailure(key, error, 'in the background'));
      }
      return stored('STALE');
    }
    if (mode === 'only-if-cached') throw new PortolanError('NOT_FOUND', `cache key ${plainKey} is not cached`);
    const filled = flights.join(key, task, run);
    try {
      return await answer(filled);
    } catch (error) {
      if (window !== 'error' || options.signal?.aborted) throw error;
      logFailure(key, error, 'and the stored value was answered');
      return stored('STALE');
    }
  }

  function logFailure(key: string, error: unknown, how: string): void {
    const reason = error instanceof Error ? error.message : String(error);
    runtime.logger.warn({ key, reason }, `a cache factory failed ${how}`);
  }

  return {
    fetch,
    getOrSet: async (key, factory, options) => (await fetch(key, factory, options)).value,
    async get<T>(key: string, options: { readonly tags?: readonly string[] } = {}) {
      const { entry } = await loadEntry(port, fullKey(key), fullTags(options.tags ?? []));
      const now = runtime.clock.now();
      const window = entry ? windowOf(entry, now) : 'over';
      if (!entry || window === 'over' || window === 'error') return undefined;
      return { value: entry.value as T, ageMs: ageOf(entry, now), stale: window === 'stale' };
    },
    async drop(...keys) {
      const full = keys.map(fullKey);
      try {
        return full.length === 0 ? 0 : await port.drop(full);
      } finally {
        flights.leave(full, []);
      }
    },
    async invalidateTags(...tags) {
      const full = fullTags(tags);
      try {
        if (full.length > 0) await port.retag(full);
      } finally {
        flights.leave([], full);
      }
    },
    async inspect(key) {
      const { entry } = await loadEntry(port, fullKey(key), []);
      const now = runtime.clock.now();
      if (!entry || windowOf(entry, now) === 'over') return undefined;
      const { value, freshUntil, expiresAt } = entry;
      const tags = Object.keys(entry.tags).map((tag) => tag.slice(prefix.length));
      const times = { ageMs: ageOf(entry, now), ttlMs: expiresAt - now, freshMs: Math.max(0, freshUntil - now) };
      return { key, value, type: 'json', ...times, tags };
    },
    async keys({ match = '*', cursor = null, limit = 100 } = {}) {
      if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw invalid('limit: 1 to 1000');
      const glob = prefixGlob(prefix).slice(0, -1) + match;
      const page = await fullPage(runtime, cursor, limit, (from, most) =>
        port.scan({ match: glob, cursor: from, limit: most }),
      );
      return { keys: page.items.map((one) => ({ ...one, key: one.key.slice(prefix.length) })), cursor: page.cursor };
    },
  };
}
