import type { BroadcastPort, Cursor, TopicRetention } from './ports/broadcast.ts';

/** What travels in one append at most. */
const BATCH = { messages: 500, bytes: 1_048_576 };

interface Batch {
  readonly topic: string;
  readonly messages: { readonly data: string }[];
  readonly waiting: PromiseWithResolvers<Cursor>[];
  bytes: number;
}

/** Publishes of one tick to one topic share one append, in the order of the calls. Each learns its own cursor; a failed append fails them all. */
export function createPublisher(
  port: BroadcastPort,
  retention: TopicRetention,
): (topic: string, data: string, bytes: number) => Promise<Cursor> {
  const open = new Map<string, Batch>();

  async function flush(batch: Batch): Promise<void> {
    if (open.get(batch.topic) === batch) open.delete(batch.topic);
    try {
      const { cursors } = await port.append(batch.topic, batch.messages, retention);
      batch.waiting.forEach((one, at) => {
        one.resolve(cursors[at] as Cursor);
      });
    } catch (error) {
      for (const one of batch.waiting) one.reject(error);
    }
  }

  return (topic, data, bytes) => {
    let batch = open.get(topic);
    if (!batch || batch.messages.length >= BATCH.messages || batch.bytes + bytes > BATCH.bytes) {
      const fresh: Batch = { topic, messages: [], waiting: [], bytes: 0 };
      batch = fresh;
      open.set(topic, fresh);
      queueMicrotask(() => void flush(fresh));
    }
    const waiting = Promise.withResolvers<Cursor>();
    batch.messages.push({ data });
    batch.waiting.push(waiting);
    batch.bytes += bytes;
    return waiting.promise;
  };
}
