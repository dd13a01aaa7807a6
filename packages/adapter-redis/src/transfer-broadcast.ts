import {
  decodeCursor,
  encodeCursor,
  type MessageRecord,
  type TopicRecord,
  TRANSFER_PAGE_BYTES,
  type TransferPage,
  type TransferRecord,
} from '@portolan/core';
import { topicKeys } from './broadcast-keys.ts';
import { topicRegistry } from './broadcast-registry.ts';
import { LOAD_MESSAGES, LOAD_TOPIC } from './broadcast-scripts.ts';
import { fromHashTag, hashTag, type RedisContext } from './connection.ts';
import { classify } from './errors.ts';
import { countNames, type Names, type NamesPlace, nextNames, type PartTransfer, readNames } from './transfer-part.ts';

/** Behind a message of the first topic left; 0 and 0 before its record. Messages of another incarnation than the one begun are told from the start. */
interface Place extends NamesPlace {
  readonly incarnation: number;
  readonly sequence: number;
}

/** Messages read in one round trip, and topics looked at for one page. */
const STEP = 200;
const TOPICS = 20;

export function redisBroadcastTransfer(context: RedisContext): PartTransfer {
  const registry = topicRegistry(context);
  // By their counters, which outlive the messages and the list of names.
  const names: Names = {
    prefix: `${context.key('topic')}:{`,
    suffix: '}:meta',
    escape: (topic) => hashTag(topic).slice(1, -1),
    unescape: fromHashTag,
  };

  return {
    count: async () => {
      const topics = await countNames(context, names);
      const listed = await registry.names();
      const sizes = await context.run((client) =>
        Promise.all(listed.map((topic) => client.xlen(topicKeys(context, topic).stream))),
      );
      return sizes.reduce((sum, size) => sum + size, topics);
    },

    async dump(cursor, limit): Promise<TransferPage> {
      const start: Place = { scan: '', left: [], incarnation: 0, sequence: 0 };
      const place = cursor === null ? start : decodeCursor(cursor, readPlace);
      const { scan, left } = await nextNames(context, names, place, limit);
      const records: TransferRecord[] = [];
      let { incarnation, sequence } = place;
      let done = 0;
      let bytes = 0;
      for (let steps = 0; done < left.length && steps < TOPICS && records.length < limit; steps++) {
        const count = Math.min(STEP, limit - records.length);
        const found = await readTopic(context, left[done] as string, incarnation, sequence, count);
        const messages = found?.messages ?? [];
        // One more record than messages were asked for: the page may be full before they are.
        if (found?.topic) records.push(found.topic);
        const fitting = messages.slice(0, limit - records.length);
        records.push(...fitting);
        bytes += fitting.reduce((sum, { data }) => sum + data.length, 0);
        if (found && messages.length === count) {
          incarnation = found.incarnation;
          sequence = fitting.at(-1)?.sequence ?? sequence;
        } else {
          done++;
          incarnation = 0;
          sequence = 0;
        }
        if (bytes >= TRANSFER_PAGE_BYTES) break;
      }
      const behind = left.slice(done);
      const ended = behind.length === 0 && scan === null;
      return { records, cursor: ended ? null : encodeCursor([scan, behind, incarnation, sequence]) };
    },

    async load(records) {
      const topics = Map.groupBy(records, (record) => ('topic' in record ? record.topic : ''));
      await Promise.all([...topics].map(([topic, some]) => loadTopic(topic, some)));
    },
  };

  async function loadTopic(topic: string, records: readonly TransferRecord[]): Promise<void> {
    const { stream, counter, channel } = topicKeys(context, topic);
    const messages = records.filter((record) => record.of === 'message');
    for (const record of records) {
      if (record.of !== 'topic') continue;
      const { incarnation, sequence, countersExpireAt } = record;
      await context.script(LOAD_TOPIC, [stream, counter], [incarnation, sequence, countersExpireAt]);
    }
    for (let first = 0; first < messages.length; first += STEP) {
      const some = messages.slice(first, first + STEP);
      const last = some.at(-1);
      if (!last) continue;
      registry.note(topic, Math.max(0, last.expiresAt - context.runtime.clock.now()));
      const data = some.flatMap((message) => [message.sequence, message.data, message.at]);
      await context.script(LOAD_MESSAGES, [stream, counter], [channel, last.incarnation, last.expiresAt, ...data]);
    }
  }
}

interface FoundTopic {
  readonly incarnation: number;
  /** When the walk of the topic begins here. */
  readonly topic: TopicRecord | undefined;
  readonly messages: readonly MessageRecord[];
}

/** A topic's counters and its messages behind a sequence, in one transaction; nothing when it is gone. */
async function readTopic(
  context: RedisContext,
  topic: string,
  begun: number,
  sequence: number,
  count: number,
): Promise<FoundTopic | undefined> {
  const { stream, counter } = topicKeys(context, topic);
  const replies = await context.run((client) =>
    client
      .multi()
      .hmget(counter, 'incarnation', 'sequence')
      .pexpiretime(counter)
      .pexpiretime(stream)
      .xrange(stream, begun === 0 ? '-' : `(${begun}-${sequence}`, '+', 'COUNT', count)
      .exec(),
  );
  const [ends, countersExpireAt, streamExpiresAt, entries] = (replies ?? []).map(([error, reply]) => {
    if (error) throw classify(error);
    return reply;
  }) as [[string | null, string | null], number, number, [id: string, fields: string[]][]];
  if (ends[0] === null) return undefined;
  const incarnation = Number(ends[0]);
  if (begun !== 0 && begun !== incarnation) return readTopic(context, topic, 0, 0, count);
  const expiresAt = Math.max(0, streamExpiresAt);
  return {
    incarnation,
    topic:
      begun === 0
        ? { of: 'topic', topic, incarnation, sequence: Number(ends[1]), messagesExpireAt: expiresAt, countersExpireAt }
        : undefined,
    messages: entries.map(([id, fields]): MessageRecord => {
      const at = Number(fields[3]);
      const number = Number(id.slice(id.indexOf('-') + 1));
      return { of: 'message', topic, incarnation, sequence: number, data: fields[1] ?? '', at, expiresAt };
    }),
  };
}

function readPlace(content: unknown): Place | undefined {
  const [scan, left, incarnation, sequence] = Array.isArray(content) ? (content as unknown[]) : [];
  const names = readNames(scan, left);
  if (!names || typeof incarnation !== 'number' || typeof sequence !== 'number') return undefined;
  return { ...names, incarnation, sequence };
}
