import {
  answerRead,
  type BroadcastPort,
  type Cursor,
  formatCursor,
  type LogEntry,
  type Member,
  parseCursor,
  type ReadAfter,
  type TopicPosition,
} from '@portolan/core';
import { topicKeys } from './broadcast-keys.ts';
import { topicRegistry } from './broadcast-registry.ts';
import { APPEND, JOIN, LEAVE, MEMBERS, SUMMARY } from './broadcast-scripts.ts';
import type { RedisContext } from './connection.ts';
import { classify } from './errors.ts';

export function redisBroadcast(context: RedisContext): BroadcastPort {
  const registry = topicRegistry(context);
  const keysOf = (topic: string) => topicKeys(context, topic);

  return {
    async append(topic, messages, { count, ms, resumeMs }, want) {
      registry.note(topic, ms);
      const { stream, counter, members, info, channel } = keysOf(topic);
      const limits = [count, ms, ms + resumeMs, want?.members ? 1 : 0];
      const data = messages.map((one) => one.data);
      const answer = await context.script(APPEND, [stream, counter, members, info], [channel, ...limits, ...data]);
      const [incarnation, last, live] = answer as [string, number, string[]];
      const cursors = data.map((_, at) => `${incarnation}-${last - (data.length - 1 - at)}`);
      return { cursors, members: toMembers(live) };
    },

    // One transaction for each topic, since topics lie in different slots; those of one call travel together.
    async read(from, limit) {
      const places = from.map(({ topic, after }) => ({ topic, after, position: toPosition(after) }));
      return Promise.all(
        places.map(async ({ topic, after, position }) => {
          const keys = keysOf(topic);
          const found = await readLog(context, keys, after === 'end' ? undefined : exclusive(position), limit);
          // Ids sort by incarnation: a later one reads from its start, but one that lies before the cursor must be asked for.
          const earlier =
            found.end !== undefined && position !== undefined && found.end.incarnation < position.incarnation;
          const log = earlier ? await readLog(context, keys, '-', limit) : found;
          return answerRead(after, log.end, log.entries, log.at);
        }),
      );
    },

    hint: (topic, onHint) => context.subscriber.subscribe(keysOf(topic).channel, () => onHint()),

    async join(topic, member, ttlMs) {
      registry.note(topic, ttlMs);
      const { members, info, counter } = keysOf(topic);
      const answer = await context.script(JOIN, [members, info, counter], [member.id, ttlMs, member.info]);
      const [cursor, joined] = answer as [Cursor, number];
      return { cursor, joined: joined === 1 };
    },

    async leave(topic, memberId) {
      const { members, info } = keysOf(topic);
      return (await context.script(LEAVE, [members, info], [memberId])) === 1;
    },

    async members(topic) {
      const { members, info } = keysOf(topic);
      return toMembers((await context.script(MEMBERS, [members, info], [])) as string[]);
    },

    async topics() {
      const names = (await registry.names()).sort();
      const topics = await Promise.all(
        names.map(async (topic) => {
          const { stream, counter, members } = keysOf(topic);
          const answer = await context.script(SUMMARY, [stream, counter, members], []);
          const [messages, live, incarnation, sequence] = answer as [number, number, string?, string?];
          const cursor = formatCursor(toEnd(incarnation, sequence) ?? { incarnation: 0, sequence: 0 });
          return { topic, messages, members: live, cursor };
        }),
      );
      return topics.filter((one) => one.messages > 0 || one.members > 0);
    },
  };
}

const toPosition = (after: ReadAfter): TopicPosition | undefined =>
  after === 'start' || after === 'end' ? undefined : parseCursor(after);

const exclusive = (position: TopicPosition | undefined): string => (position ? `(${formatCursor(position)}` : '-');

function toEnd(incarnation: string | null | undefined, sequence: string | null | undefined): TopicPosition | undefined {
  return incarnation && sequence ? { incarnation: Number(incarnation), sequence: Number(sequence) } : undefined;
}

type StreamEntry = [id: string, fields: string[]];

/**
 * The time, the end of a topic and its first entries from an id on, in one transaction. Not a script: on the way through Lua every entry would be
 * copied twice, which cost more than the read itself.
 */
async function readLog(
  context: RedisContext,
  { stream, counter }: { readonly stream: string; readonly counter: string },
  from: string | undefined,
  limit: number,
): Promise<{ at: number; end: TopicPosition | undefined; entries: LogEntry[] }> {
  const replies = await context.run(async (client) => {
    const transaction = client.multi().time().hmget(counter, 'incarnation', 'sequence');
    if (from !== undefined) transaction.xrange(stream, from, '+', 'COUNT', limit);
    return transaction.exec();
  });
  const [time, ends, entries = []] = (replies ?? []).map(([error, reply]) => {
    if (error) throw classify(error);
    return reply;
  }) as [[number, number], [string | null, string | null], StreamEntry[]?];
  const end = toEnd(...ends);
  return {
    at: Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000),
    end,
    // Entries whose counter is gone are no more: the next append removes them.
    entries: end ? entries.map(toEntry) : [],
  };
}

function toEntry([id, fields]: StreamEntry): LogEntry {
  return { sequence: Number(id.slice(id.indexOf('-') + 1)), data: fields[1] ?? '', at: Number(fields[3]) };
}

/** Four texts for each member: id, joinedAt, lastSeen, info. */
function toMembers(flat: readonly string[]): Member[] {
  const members: Member[] = [];
  for (let at = 0; at < flat.length; at += 4) {
    const [id = '', joinedAt, lastSeen, info = ''] = flat.slice(at, at + 4);
    members.push({ id, info, joinedAt: Number(joinedAt), lastSeen: Number(lastSeen) });
  }
  return members.sort((a, b) => (a.id < b.id ? -1 : 1));
}
