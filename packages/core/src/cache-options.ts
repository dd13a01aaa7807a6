import { invalid } from './errors.ts';
import { checkKey } from './names.ts';
import { TAG_EPOCH_TTL_MS } from './ports/cache.ts';

/** What a timer can hold. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_TAGS = 64;
const MODES = ['normal', 'refresh', 'bypass', 'only-if-cached'] as const;

/** All times in ms. The three windows follow each other and add up to at most 30 days. */
export interface CacheOptions {
  /** Answered from the cache. */
  readonly freshMs: number;
  /** After that: answered at once, refreshed in the background. Default 0. */
  readonly staleMs?: number;
  /** After that: answered only when the factory fails. Default 0. */
  readonly ifErrorMs?: number;
  /** What the entry is about: `invalidateTags` makes every entry with the tag invalid. At most 64. */
  readonly tags?: readonly string[];
  /**
   * `refresh` runs the factory and replaces the entry; `bypass` runs the factory and leaves the cache alone; `only-if-cached` never runs
   * it and throws NOT_FOUND instead.
   */
  readonly mode?: (typeof MODES)[number];
  /** The factory's deadline, default 30,000: its signal aborts and callers get TIMEOUT. */
  readonly timeoutMs?: number;
  /** Ends this caller's wait with CANCELLED. The factory goes on: others may wait for it, and its value is stored. */
  readonly signal?: AbortSignal;
}

/** Options with every default filled in, checked. */
export interface CachePlan {
  readonly freshMs: number;
  readonly staleMs: number;
  readonly ifErrorMs: number;
  readonly tags: readonly string[];
  readonly mode: (typeof MODES)[number];
  readonly timeoutMs: number;
}

function ms(value: number, name: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${name}: whole ms, at least 0, not ${String(value)}`);
  return value;
}

/** Throws INVALID naming the option that is wrong. */
export function checkOptions(options: CacheOptions): CachePlan {
  const freshMs = ms(options.freshMs, 'freshMs');
  const staleMs = ms(options.staleMs ?? 0, 'staleMs');
  const ifErrorMs = ms(options.ifErrorMs ?? 0, 'ifErrorMs');
  const life = freshMs + staleMs + ifErrorMs;
  if (life < 1 || life > TAG_EPOCH_TTL_MS) {
    throw invalid(`freshMs, staleMs and ifErrorMs add up to ${life} ms: 1 ms to 30 days (mode bypass does not cache)`);
  }
  const timeoutMs = ms(options.timeoutMs ?? 30_000, 'timeoutMs');
  if (timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS) throw invalid(`timeoutMs: 1 to ${MAX_TIMEOUT_MS}`);
  const mode = options.mode ?? 'normal';
  if (!MODES.includes(mode)) throw invalid(`mode: one of ${MODES.join(', ')}`);
  return { freshMs, staleMs, ifErrorMs, tags: checkTags(options.tags ?? []), mode, timeoutMs };
}

/** The tags, each once. */
export function checkTags(tags: readonly string[]): readonly string[] {
  const unique = [...new Set(tags)];
  if (unique.length > MAX_TAGS) throw invalid(`tags: at most ${MAX_TAGS}`);
  return unique.map((tag) => checkKey(tag, 'tag'));
}
