/** What a cache entry holds. Times are absolute ms on the filler's clock; each tag has the epoch it was filled under. */
export interface CacheEntry {
  readonly filledAt: number;
  readonly freshUntil: number;
  readonly staleUntil: number;
  readonly expiresAt: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly value: unknown;
}

/** An entry's text: plain JSON, the value as it stands in `valueText`, so that anyone can read it in the store. */
export function encodeEntry(entry: Omit<CacheEntry, 'value'>, valueText: string): string {
  const { filledAt, freshUntil, staleUntil, expiresAt, tags } = entry;
  const head = JSON.stringify({ filledAt, freshUntil, staleUntil, expiresAt, tags });
  return `${head.slice(0, -1)},"value":${valueText}}`;
}

/** The entry of a text; undefined when it is none (somebody else wrote it): such an entry counts as absent. */
export function decodeEntry(text: string): CacheEntry | undefined {
  let entry: Partial<CacheEntry> | null;
  try {
    entry = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof entry !== 'object' || entry === null || !('value' in entry)) return undefined;
  const { filledAt, freshUntil, staleUntil, expiresAt, tags } = entry;
  const numbers = [filledAt, freshUntil, staleUntil, expiresAt].every((one) => Number.isFinite(one));
  const tagged =
    typeof tags === 'object' && tags !== null && Object.values(tags).every((epoch) => typeof epoch === 'string');
  return numbers && tagged ? (entry as CacheEntry) : undefined;
}

/** How an entry may be used: `error` answers only when the factory fails. */
export type CacheWindow = 'fresh' | 'stale' | 'error' | 'over';

export function windowOf(entry: CacheEntry, now: number): CacheWindow {
  if (now < entry.freshUntil) return 'fresh';
  if (now < entry.staleUntil) return 'stale';
  return now < entry.expiresAt ? 'error' : 'over';
}

/** ms since the fill; a filler whose clock is ahead makes no negative age. */
export function ageOf(entry: CacheEntry, now: number): number {
  return Math.max(0, now - entry.filledAt);
}
