import type { Cursor, Member } from '@portolan/core';
import type { SqliteContext } from './context.ts';

export interface TopicMembers {
  /** Within a write: joins or beats. `end` is where a new member starts. */
  join(
    topic: string,
    member: { readonly id: string; readonly info: string },
    ttlMs: number,
    end: () => Cursor,
  ): { readonly cursor: Cursor; readonly joined: boolean };
  /** Within a write. */
  leave(topic: string, id: string): boolean;
  live(topic: string): Member[];
  /** Within a write: removes at most `limit` members, of all namespaces, that no longer beat. */
  sweep(limit: number): number;
}

const FIND = 'SELECT cursor FROM topic_member WHERE namespace = ? AND topic = ? AND id = ? AND expires_at > ?';
const BEAT =
  'UPDATE topic_member SET info = ?, last_seen = ?, expires_at = ? WHERE namespace = ? AND topic = ? AND id = ?';
const JOIN = `INSERT OR REPLACE INTO topic_member (namespace, topic, id, info, joined_at, last_seen, expires_at, cursor)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const LEAVE = 'DELETE FROM topic_member WHERE namespace = ? AND topic = ? AND id = ? RETURNING expires_at AS expiresAt';
const LIVE = `SELECT id, info, joined_at AS joinedAt, last_seen AS lastSeen FROM topic_member
  WHERE namespace = ? AND topic = ? AND expires_at > ? ORDER BY id`;
const SWEEP = `DELETE FROM topic_member WHERE (namespace, topic, id) IN
  (SELECT namespace, topic, id FROM topic_member WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`;

export function topicMembers({ engine, namespace, now }: SqliteContext): TopicMembers {
  return {
    join(topic, { id, info }, ttlMs, end) {
      const at = now();
      const before = engine.sql(FIND).get(namespace, topic, id, at);
      if (before) {
        engine.sql(BEAT).run(info, at, at + ttlMs, namespace, topic, id);
        return { cursor: String(before.cursor), joined: false };
      }
      const cursor = end();
      engine.sql(JOIN).run(namespace, topic, id, info, at, at, at + ttlMs, cursor);
      return { cursor, joined: true };
    },
    leave(topic, id) {
      const gone = engine.sql(LEAVE).get(namespace, topic, id);
      return gone !== undefined && Number(gone.expiresAt) > now();
    },
    live(topic) {
      return engine
        .sql(LIVE)
        .all(namespace, topic, now())
        .map(({ id, info, joinedAt, lastSeen }) => ({
          id: String(id),
          info: String(info),
          joinedAt: Number(joinedAt),
          lastSeen: Number(lastSeen),
        }));
    },
    sweep: (limit) => Number(engine.sql(SWEEP).run(now(), limit).changes),
  };
}
