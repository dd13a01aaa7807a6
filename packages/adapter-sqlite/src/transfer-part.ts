import type { TransferRecord, TransferWalk } from '@portolan/core';

/** What each part offers: a walk in an order that stays, and the loading of records of its own, within a write. */
export interface PartTransfer<Place> {
  count(): number;
  readonly walk: TransferWalk<Place>;
  load(records: readonly TransferRecord[]): void;
}

/** A cursor's content as a list of texts and numbers of these kinds; undefined for anything else. */
export function readTuple<const T extends readonly ('string' | 'number')[]>(
  content: unknown,
  kinds: T,
): { [At in keyof T]: T[At] extends 'string' ? string : number } | undefined {
  if (!Array.isArray(content) || content.length !== kinds.length) return undefined;
  const good = kinds.every((kind, at) => typeof content[at] === kind);
  return good ? (content as unknown as { [At in keyof T]: T[At] extends 'string' ? string : number }) : undefined;
}
