import {
  answerRead,
  type BroadcastPort,
  type Cursor,
  formatCursor,
  type LogEntry,
  type Member,
  parseCursor,
  type TopicPosition,
} from '@portolan/core';
import { topicRegistry } from './broadcast-registry.ts';
import { APPEND, JOIN, LEAVE, MEMBERS, READ, SUMMARY } from './broadcast-scripts.ts';
import { hashTag, type RedisContext } from './connection.ts';

type StreamEntry = [id: string, fields: string[]];

/**
 * A topic lies under `NAMESPACE:topic:{TOPIC}`: the stream, and beside it `:meta` (incarnation and sequence), `:members` and `:members:info`, all in one
 * slot. The stream's name is the channel of its hints too; Pub/Sub knows no databases, so other databases than 0 have channels of their own.
 */
export function redisBroadcast(context: RedisContext): BroadcastPort {
  const registry = topicRegistry(context);
  const database = context.client.options.db ?? 0;

  function keysOf(topic: string) {
    const stream = context.key('topic', hashTag(topic));
    return {
      stream,
      counter: `${stream}:meta`,
      members: `${stream}:members`,
      info: `${stream}:members:info`,
      channel: database === 0 ? stream : `${stream}@${database}`,
    };
  }

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

    // One script for each topic, since topics lie in different slots; calls of one tick travel in one pipeline.
    read: async (from, limit) => {
      const calls = from.map(({ topic, after }) => ({
        topic,
        after: after === 'start' || after === 'end' ? after : formatCursor(parseCursor(after)),
      }));
      return Promise.all(
        calls.map(async ({ topic, after }) => {
          const { stream, counter } = keysOf(topic);
          const answer = await context.script(READ, [stream, counter], [after, limit]);
          const [now, incarnation, sequence, entries = []] = answer as [string, string?, string?, StreamEntry[]?];
          return answerRead(after, toPosition(incarnation, sequence), entries.map(toEntry), Number(now));
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
          const cursor = formatCursor(toPosition(incarnation, sequence) ?? { incarnation: 0, sequence: 0 });
          return { topic, messages, members: live, cursor };
        }),
      );
      return topics.filter((one) => one.messages > 0 || one.members > 0);
    },
  };
}

function toPosition(
  incarnation: string | null | undefined,
  sequence: string | null | undefined,
): TopicPosition | undefined {
  return incarnation && sequence ? { incarnation: Number(incarnation), sequence: Number(sequence) } : undefined;
}

function toEntry([id, fields]: StreamEntry): LogEntry {
  const { sequence } = parseCursor(id);
  return { sequence, data: fields[1] ?? '', at: Number(fields[3]) };
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
