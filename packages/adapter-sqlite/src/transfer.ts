import { type TransferPart, type TransferPort, walkPage } from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { sqliteBroadcastTransfer } from './transfer-broadcast.ts';
import { sqliteDocumentTransfer } from './transfer-document.ts';
import { sqliteCacheTransfer, sqliteCounterTransfer, sqliteKeyValueTransfer } from './transfer-keys.ts';
import type { PartTransfer } from './transfer-part.ts';
import { sqliteQueueTransfer } from './transfer-queue.ts';

/** Records of one write, so that others come between. */
const LOADED_AT_ONCE = 50;

/** What the tables hold for a namespace, in the order of their keys. A page is one state of the file. */
export function sqliteTransfer(context: SqliteContext): TransferPort {
  const { engine } = context;
  const parts: Record<TransferPart, PartTransfer<unknown>> = {
    keyValue: sqliteKeyValueTransfer(context),
    counter: sqliteCounterTransfer(context),
    cache: sqliteCacheTransfer(context),
    document: sqliteDocumentTransfer(context),
    queue: sqliteQueueTransfer(context),
    broadcast: sqliteBroadcastTransfer(context),
  };
  return {
    count: (part) => engine.read(() => parts[part].count()),
    dump: (part, cursor, limit) => engine.snapshot(() => walkPage(parts[part].walk, cursor, limit)),
    async load(records) {
      const writes: Promise<void>[] = [];
      for (let first = 0; first < records.length; first += LOADED_AT_ONCE) {
        const some = records.slice(first, first + LOADED_AT_ONCE);
        writes.push(
          engine.write(() => {
            for (const part of Object.values(parts)) part.load(some);
          }),
        );
      }
      await Promise.all(writes);
    },
  };
}
