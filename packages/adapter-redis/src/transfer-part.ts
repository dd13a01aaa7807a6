import type { TransferPage, TransferRecord } from '@portolan/core';
import type { RedisContext } from './connection.ts';
import { type ScanKeysRequest, scanKeys } from './scan.ts';

/** What each part offers: the port, for its own records. */
export interface PartTransfer {
  count(): Promise<number>;
  dump(cursor: string | null, limit: number): Promise<TransferPage>;
  load(records: readonly TransferRecord[]): Promise<void>;
}

export type Names = Pick<ScanKeysRequest, 'prefix' | 'suffix' | 'escape' | 'unescape'>;

/** A walk over names by SCAN: its own cursor ('' at the start, null at the end) and the names found that were not looked at yet. */
export interface NamesPlace {
  readonly scan: string | null;
  readonly left: readonly string[];
}

/** The names to look at next, at most `limit`, and where the walk stands once they are done. At most 12 steps of SCAN. */
export async function nextNames(
  context: RedisContext,
  names: Names,
  { scan, left }: NamesPlace,
  limit: number,
): Promise<NamesPlace> {
  if (left.length > 0 || scan === null) return { scan, left };
  const page = await scanKeys(context, { ...names, match: '*', cursor: scan === '' ? null : scan, limit });
  return { scan: page.cursor, left: page.keys };
}

/** How many names there are: a walk over all keys of the database. */
export async function countNames(context: RedisContext, names: Names): Promise<number> {
  let count = 0;
  let cursor: string | null = null;
  do {
    const page = await scanKeys(context, { ...names, match: '*', cursor, limit: 10_000 });
    count += page.keys.length;
    cursor = page.cursor;
  } while (cursor !== null);
  return count;
}

/** `[scan, left]` of a cursor; undefined for anything else. */
export function readNames(scan: unknown, left: unknown): NamesPlace | undefined {
  if (scan !== null && typeof scan !== 'string') return undefined;
  if (!Array.isArray(left) || !left.every((name) => typeof name === 'string')) return undefined;
  return { scan, left };
}

/** Redis tells -1 for never and -2 for a key that is not there. */
export const fromRedisExpiry = (expiresAt: number): number | null => (expiresAt < 0 ? null : expiresAt);
