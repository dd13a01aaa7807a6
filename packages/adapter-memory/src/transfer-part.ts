import type { TransferRecord, TransferWalk } from '@portolan/core';

/** What each part offers: a walk in an order that stays, and the loading of one record of its own (others are not its business). */
export interface PartTransfer<Place> {
  count(): number;
  readonly walk: TransferWalk<Place>;
  load(record: TransferRecord): void;
}

/** What stands behind `after`, by name. */
export function sortedBehind<T>(entries: Iterable<readonly [string, T]>, after: string): (readonly [string, T])[] {
  return [...entries].filter(([name]) => name > after).sort(([a], [b]) => (a < b ? -1 : 1));
}
