import type { CachePage, CachePort } from '@portolan/core';
import { expect } from 'vitest';

/** Every entry of every page, once; checks the limit. */
export async function allEntries(port: CachePort, match: string, limit: number): Promise<CachePage['items']> {
  const found = new Map<string, CachePage['items'][number]>();
  let cursor: string | null = null;
  do {
    const page = await port.scan({ match, cursor, limit });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    for (const item of page.items) found.set(item.key, item);
    ({ cursor } = page);
  } while (cursor !== null);
  return [...found.values()];
}
