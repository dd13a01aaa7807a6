import type { Runtime } from './runtime.ts';

interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor: string | null;
}

/** A listing looks no longer than this; a store where little matches among much answers what was found, and a cursor. */
const LOOK_MS = 1_000;

/**
 * One page as a person expects it: `limit` items unless there are no more. A port's page may be short or empty although more follows, where it looks
 * through much that does not match; this asks on. No key twice in a page.
 */
export async function fullPage<Item extends { readonly key: string }>(
  runtime: Runtime,
  from: string | null,
  limit: number,
  scan: (cursor: string | null, limit: number) => Promise<Page<Item>>,
): Promise<Page<Item>> {
  const until = runtime.clock.now() + LOOK_MS;
  const found = new Map<string, Item>();
  let cursor = from;
  do {
    const page = await scan(cursor, limit - found.size);
    for (const item of page.items) found.set(item.key, item);
    ({ cursor } = page);
  } while (cursor !== null && found.size < limit && runtime.clock.now() < until);
  return { items: [...found.values()], cursor };
}
