import { answerRead, type BroadcastPort, type Cursor, formatCursor, parseCursor } from '@portolan/core';
import { topicLog } from './broadcast-log.ts';
import { topicMembers } from './broadcast-members.ts';
import type { SqliteContext } from './context.ts';

/** Topics that hold messages or members, by name. Looks at every topic of the namespace up to the thousandth answered. */
const TOPICS = `
WITH live (name) AS (
  SELECT name FROM topic WHERE namespace = ?1 AND expires_at > ?2 AND last >= first
  UNION SELECT topic FROM topic_member WHERE namespace = ?1 AND expires_at > ?2
  ORDER BY 1 LIMIT 1000
)
SELECT live.name AS topic, incarnation, last - base AS sequence,
  iif(expires_at > ?2, last - first + 1, 0) AS messages,
  (SELECT count(*) FROM topic_member AS member WHERE member.namespace = ?1 AND member.topic = live.name AND member.expires_at > ?2) AS members
FROM live LEFT JOIN topic ON topic.namespace = ?1 AND topic.name = live.name AND topic.forget_at > ?2
ORDER BY live.name`;

/** A topic is a row with its numbers, a table of messages for all topics, and a table of members; its signal tells other processes. */
export function sqliteBroadcast(context: SqliteContext): BroadcastPort {
  const { engine, signals, namespace, now } = context;
  const log = topicLog(context);
  const members = topicMembers(context);
  context.onSweep((limit) => log.sweep(limit));
  context.onSweep((limit) => members.sweep(limit));

  const channelOf = (topic: string) => `topic:${topic}`;
  const endOf = (topic: string): Cursor => formatCursor(log.end(topic) ?? { incarnation: 0, sequence: 0 });

  return {
    append: (topic, messages, retention, want) =>
      engine.write(() => {
        const cursors = log.append(topic, messages, retention);
        signals.raise(channelOf(topic));
        return { cursors, members: want?.members ? members.live(topic) : [] };
      }),

    async read(from, limit) {
      const places = from.map(({ topic, after }) => ({
        topic,
        after,
        position: after === 'start' || after === 'end' ? undefined : parseCursor(after),
      }));
      return engine.snapshot(() =>
        places.map(({ topic, after, position }) => {
          if (after === 'end') return answerRead(after, log.end(topic), [], now());
          const { end, entries } = log.read(topic, position, limit);
          return answerRead(after, end, entries, now());
        }),
      );
    },

    hint: (topic, onHint) =>
      engine.read(() => {
        const stop = signals.listen(channelOf(topic), onHint);
        return async () => stop();
      }),

    join: (topic, member, ttlMs) => engine.write(() => members.join(topic, member, ttlMs, () => endOf(topic))),
    leave: (topic, memberId) => engine.write(() => members.leave(topic, memberId)),
    members: (topic) => engine.read(() => members.live(topic)),

    topics: () =>
      engine.read(() =>
        engine
          .sql(TOPICS)
          .all(namespace, now())
          .map(({ topic, incarnation, sequence, messages, members: live }) => ({
            topic: String(topic),
            messages: Number(messages ?? 0),
            members: Number(live),
            cursor: formatCursor({ incarnation: Number(incarnation ?? 0), sequence: Number(sequence ?? 0) }),
          })),
      ),
  };
}
