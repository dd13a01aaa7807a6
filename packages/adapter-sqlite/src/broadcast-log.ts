import { formatCursor, type LogEntry, type NewMessage, type TopicPosition, type TopicRetention } from '@portolan/core';
import type { SqliteContext } from './context.ts';

/** A topic's row, as far as its messages go; positions, see the schema. */
interface Log {
  readonly id: number;
  readonly incarnation: number;
  readonly base: number;
  /** The first position that may still have a row. */
  readonly oldest: number;
  /** The first position that is kept; behind `last` when none is. */
  readonly first: number;
  readonly last: number;
  readonly expiresAt: number;
  readonly forgetAt: number;
  readonly sweepAt: number;
}

export interface TopicLog {
  /** Within a write. Answers the cursors of the messages. */
  append(topic: string, messages: readonly NewMessage[], retention: TopicRetention): string[];
  /** Where the topic ends; undefined when it is not there. */
  end(topic: string): TopicPosition | undefined;
  /** The end, and the first kept messages behind `after`, or from the start when it is of another incarnation or undefined. */
  read(
    topic: string,
    after: TopicPosition | undefined,
    limit: number,
  ): { readonly end: TopicPosition | undefined; readonly entries: LogEntry[] };
  /** Within a write: removes what is no longer kept, in all namespaces, about `limit` rows at most. Answers `limit` when more may be due. */
  sweep(limit: number): number;
}

/** Rows removed by an append beyond as many as it adds, so that a shorter retention is reached soon without one long write. */
const CATCH_UP = 100;
/** A read ends behind this many characters: reading more at once would hold the event loop. */
const READ_CHARACTERS = 1_048_576;

const COLUMNS =
  'id, incarnation, base, oldest, first, last, expires_at AS expiresAt, forget_at AS forgetAt, sweep_at AS sweepAt';
const FIND = `SELECT ${COLUMNS} FROM topic WHERE namespace = ? AND name = ?`;
const ADD = `INSERT INTO topic (namespace, name, incarnation, base, oldest, first, last, expires_at, forget_at, sweep_at)
  VALUES (?, ?, ?, 0, 1, 1, 0, 0, 0, ?) RETURNING ${COLUMNS}`;
const MOVE =
  'UPDATE topic SET incarnation = ?, base = ?, oldest = ?, first = ?, last = ?, expires_at = ?, forget_at = ? WHERE id = ?';
const SWEEP_AT = 'UPDATE topic SET sweep_at = ? WHERE id = ?';
const TRIM = 'DELETE FROM topic_message WHERE topic = ? AND position >= ? AND position < ?';
const INSERT = 'INSERT INTO topic_message (topic, position, at, data) VALUES (?, ?, ?, ?)';
const READ = 'SELECT position, at, data FROM topic_message WHERE topic = ? AND position >= ? ORDER BY position LIMIT ?';
const DUE = `SELECT ${COLUMNS} FROM topic WHERE sweep_at <= ? ORDER BY sweep_at LIMIT ?`;

export function topicLog({ engine, namespace, now }: SqliteContext): TopicLog {
  /** The row, even of a topic that is forgotten. */
  const find = (topic: string) => engine.sql(FIND).get(namespace, topic) as Log | undefined;

  /** The row as readers see it: nothing of a forgotten topic, no messages of an expired one. */
  function live(topic: string): Log | undefined {
    const log = find(topic);
    if (!log || log.forgetAt <= now()) return undefined;
    return log.expiresAt <= now() ? { ...log, first: log.last + 1 } : log;
  }

  const endOf = (log: Log | undefined): TopicPosition | undefined =>
    log && { incarnation: log.incarnation, sequence: log.last - log.base };

  return {
    append(topic, messages, { count, ms, resumeMs }) {
      const at = now();
      const found = find(topic);
      const log = found ?? (engine.sql(ADD).get(namespace, topic, at, at + ms) as unknown as Log);
      const forgotten = found !== undefined && found.forgetAt <= at;
      const incarnation = forgotten ? Math.max(at, log.incarnation + 1) : log.incarnation;
      const base = forgotten ? log.last : log.base;
      const insert = engine.sql(INSERT);
      let last = log.last;
      const cursors = messages.map(({ data }) => {
        insert.run(log.id, ++last, at, data);
        return formatCursor({ incarnation, sequence: last - base });
      });
      const kept = log.expiresAt <= at ? log.last + 1 : log.first;
      const first = Math.max(kept, last - count + 1);
      const oldest = Math.min(first, log.oldest + messages.length + CATCH_UP);
      if (oldest > log.oldest) engine.sql(TRIM).run(log.id, log.oldest, oldest);
      engine.sql(MOVE).run(incarnation, base, oldest, first, last, at + ms, at + ms + resumeMs, log.id);
      const due = oldest < first ? at : at + ms;
      if (due < log.sweepAt) engine.sql(SWEEP_AT).run(due, log.id);
      return cursors;
    },

    end: (topic) => endOf(live(topic)),

    read(topic, after, limit) {
      const log = live(topic);
      if (!log) return { end: undefined, entries: [] };
      const behind = after?.incarnation === log.incarnation ? log.base + after.sequence : 0;
      const from = Math.max(log.first, behind + 1);
      const entries: LogEntry[] = [];
      if (from > log.last) return { end: endOf(log), entries };
      let characters = 0;
      for (const row of engine.sql(READ).iterate(log.id, from, limit)) {
        const { position, at, data } = row as { position: number; at: number; data: string };
        entries.push({ sequence: position - log.base, data, at });
        characters += data.length;
        if (characters >= READ_CHARACTERS) break;
      }
      return { end: endOf(log), entries };
    },

    sweep(limit) {
      const at = now();
      const due = engine.sql(DUE).all(at, limit) as unknown as Log[];
      let removed = 0;
      for (const log of due) {
        const first = log.expiresAt <= at ? log.last + 1 : log.first;
        const oldest = Math.min(first, log.oldest + limit - removed);
        if (oldest > log.oldest) engine.sql(TRIM).run(log.id, log.oldest, oldest);
        removed += oldest - log.oldest;
        if (oldest > log.last && log.forgetAt <= at) {
          engine.sql('DELETE FROM topic WHERE id = ?').run(log.id);
          removed++;
        } else {
          engine.sql('UPDATE topic SET oldest = ?, first = ? WHERE id = ?').run(oldest, first, log.id);
          const next = log.expiresAt <= at ? log.forgetAt : log.expiresAt;
          if (oldest === first) engine.sql(SWEEP_AT).run(next, log.id);
        }
        if (removed >= limit) break;
      }
      return due.length === limit ? limit : removed;
    },
  };
}
