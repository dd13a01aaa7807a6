import { type CacheEntry, decodeEntry } from './cache-entry.ts';
import type { CachePort } from './ports/cache.ts';

/** An entry as it stands in the store. */
export interface LoadedEntry {
  /** Its text, usable or not; null when there is none. */
  readonly text: string | null;
  /** Present when the text is an entry whose tags are all valid and include those asked for. */
  readonly entry: CacheEntry | undefined;
}

type Epochs = ReadonlyMap<string, string | null>;

export function epochsOf(tags: readonly string[], epochs: readonly (string | null)[]): Epochs {
  return new Map(tags.map((tag, index) => [tag, epochs[index] ?? null]));
}

/**
 * The entry of a text, unless one of its tags has another epoch now, or a tag in `tags` is not on it (it was filled before the
 * code named that tag, whose invalidation could not reach it). Costs one round trip when it has tags that `known` does not tell.
 */
export async function validEntry(
  port: CachePort,
  text: string,
  tags: readonly string[],
  known: Epochs,
): Promise<CacheEntry | undefined> {
  const entry = decodeEntry(text);
  if (!entry || tags.some((tag) => !Object.hasOwn(entry.tags, tag))) return undefined;
  const carried = Object.entries(entry.tags);
  const more = carried.map(([tag]) => tag).filter((tag) => !known.has(tag));
  const rest = more.length === 0 ? undefined : epochsOf(more, (await port.read([], more)).epochs);
  const valid = carried.every(([tag, epoch]) => (known.get(tag) ?? rest?.get(tag)) === epoch);
  return valid ? entry : undefined;
}

/** Entry and epochs of `tags` in one round trip; a second one only for an entry with other tags. */
export async function loadEntry(port: CachePort, key: string, tags: readonly string[]): Promise<LoadedEntry> {
  const { entries, epochs } = await port.read([key], tags);
  const text = entries[0] ?? null;
  return { text, entry: text === null ? undefined : await validEntry(port, text, tags, epochsOf(tags, epochs)) };
}
