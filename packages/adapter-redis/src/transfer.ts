import type { TransferPart, TransferPort, TransferRecord } from '@portolan/core';
import type { RedisContext } from './connection.ts';
import { redisBroadcastTransfer } from './transfer-broadcast.ts';
import { redisDocumentTransfer } from './transfer-document.ts';
import { redisCacheTransfer, redisCounterTransfer, redisKeyValueTransfer } from './transfer-keys.ts';
import type { PartTransfer } from './transfer-part.ts';
import { redisQueueTransfer } from './transfer-queue.ts';

/** What all keys of the namespace hold, page by page: SCAN where names are many, the ports' own sorted sets where there is an order. */
export function redisTransfer(context: RedisContext): TransferPort {
  const parts: Record<TransferPart, PartTransfer> = {
    keyValue: redisKeyValueTransfer(context),
    counter: redisCounterTransfer(context),
    cache: redisCacheTransfer(context),
    document: redisDocumentTransfer(context),
    queue: redisQueueTransfer(context),
    broadcast: redisBroadcastTransfer(context),
  };
  return {
    count: (part) => parts[part].count(),
    dump: (part, cursor, limit) => parts[part].dump(cursor, limit),
    async load(records) {
      const kinds = Map.groupBy(records, partOf);
      await Promise.all([...kinds].map(([part, some]) => parts[part].load(some)));
    },
  };
}

function partOf({ of }: TransferRecord): TransferPart {
  switch (of) {
    case 'key':
      return 'keyValue';
    case 'counter':
      return 'counter';
    case 'entry':
    case 'tag':
      return 'cache';
    case 'collection':
    case 'document':
    case 'tombstone':
      return 'document';
    case 'queue':
    case 'job':
    case 'schedule':
    case 'part':
    case 'owed':
      return 'queue';
    case 'topic':
    case 'message':
      return 'broadcast';
  }
}
