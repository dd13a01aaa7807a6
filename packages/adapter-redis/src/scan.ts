import { decodeCursor, encodeCursor, globEnds, globMatcher } from '@portolan/core';
import type { RedisContext } from './connection.ts';

export interface ScanKeysRequest {
  /** What stands before every key, such as `portolan:kv:`. */
  readonly prefix: string;
  /** What stands behind every key, such as the closing brace of a hash tag. */
  readonly suffix?: string;
  /** Key text as it is stored, applied character by character; where a port escapes its keys. `unescape` is its inverse. */
  readonly escape?: (text: string) => string;
  readonly unescape?: (stored: string) => string;
  /** A portable glob over the keys. */
  readonly match: string;
  readonly cursor: string | null;
  readonly limit: number;
}

/** Keys without prefix and suffix, at most `limit`, no key twice. */
export interface ScannedKeys {
  readonly keys: string[];
  readonly cursor: string | null;
}

/** SCAN steps of one call, and how many keys of the database one step may visit: what bounds the cost of a call. */
const STEPS = 12;
const VISIT = { least: 10, most: 1_000 };

/**
 * A page of key names by SCAN. Redis narrows by one `PREFIX*SUFFIX` (a MATCH with one star is linear whatever the user wrote; a `?` of
 * ours is a character where Redis counts bytes) and `globMatcher` decides. A SCAN step may find more keys than the page has room for: they travel
 * in the cursor, so none is lost. How far a step looks follows from how many keys matched so far, which keeps them few.
 *
 * A glob without a wildcard costs no round trip and answers its one key unasked; callers look at the keys next and leave
 * out those that are not there, which they must anyway: a key may vanish after SCAN named it. At most 12 steps of at most
 * 1,000 visited keys, one round trip each. Throws INVALID for a cursor that no scan answered.
 */
export async function scanKeys(context: RedisContext, request: ScanKeysRequest): Promise<ScannedKeys> {
  const { prefix, suffix = '', match, limit } = request;
  const stored = request.escape ?? ((text) => text);
  const shown = request.unescape ?? ((text) => text);
  const ends = globEnds(match);
  const matches = globMatcher(match);
  const start: ScanCursor = request.cursor === null ? { at: '0', left: [] } : decodeCursor(request.cursor, readCursor);
  if (ends.exact) return { keys: request.cursor === null ? [ends.prefix] : [], cursor: null };

  const pattern = `${literal(prefix + stored(ends.prefix))}*${literal(stored(ends.suffix) + suffix)}`;
  const found = new Set(start.left.filter(matches));
  let at = start.at;
  let visited = 0;
  for (let step = 0; step < STEPS && at !== null && found.size < limit; step++) {
    const density = (found.size + 1) / (visited + 1);
    const count = Math.min(Math.max(Math.ceil((limit - found.size) / density), VISIT.least), VISIT.most);
    const [next, page] = await context.run((client) => client.scan(at ?? '0', 'MATCH', pattern, 'COUNT', count));
    for (const one of page) {
      const key = shown(one.slice(prefix.length, one.length - suffix.length));
      if (matches(key)) found.add(key);
    }
    visited += count;
    at = next === '0' ? null : next;
  }
  const keys = [...found];
  const left = keys.splice(limit);
  return { keys, cursor: at === null && left.length === 0 ? null : encodeCursor([at, ...left]) };
}

/** Text that Redis's MATCH takes literally. */
function literal(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

interface ScanCursor {
  /** Redis's own cursor; null when SCAN has ended and only `left` remains. */
  readonly at: string | null;
  /** Keys that were found and had no room in the page. */
  readonly left: readonly string[];
}

const isScanPosition = (at: unknown): at is string =>
  typeof at === 'string' && /^\d{1,20}$/.test(at) && BigInt(at) < 2n ** 64n;

function readCursor(content: unknown): ScanCursor | undefined {
  if (!Array.isArray(content)) return undefined;
  const [at, ...left] = content as unknown[];
  const good = (at === null || isScanPosition(at)) && left.every((key) => typeof key === 'string');
  return good ? { at, left } : undefined;
}
