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
import type { MemoryContext } from './hub.ts';

export interface Log extends TopicPosition {
  sequence: number;
  entries: LogEntry[];
  /** ms: when the messages expire, and when the topic is forgotten. */
  expiresAt: number;
  forgetAt: number;
}

interface Joined {
  readonly info: string;
  readonly joinedAt: number;
  readonly lastSeen: number;
  readonly expiresAt: number;
  /** The topic's end when it joined. */
  readonly cursor: Cursor;
}

interface BroadcastState {
  readonly logs: Map<string, Log>;
  readonly members: Map<string, Map<string, Joined>>;
  readonly listeners: Map<string, Set<() => void>>;
}

const MAX_TOPICS = 1_000;
/** Logs looked at in passing by each append, so that forgotten topics do not pile up. */
const SWEEP = 2;

export const broadcastState = ({ hub, namespace }: MemoryContext) =>
  hub.state<BroadcastState>(namespace, 'broadcast', () => ({
    logs: new Map(),
    members: new Map(),
    listeners: new Map(),
  }));

export function memoryBroadcast(context: MemoryContext): BroadcastPort {
  const { hub, open } = context;
  const state = broadcastState(context);
  const endings = new Set<() => void>();
  context.onClose(() => {
    for (const end of endings) end();
  });

  function logOf(topic: string): Log | undefined {
    const now = hub.clock.now();
    const log = state.logs.get(topic);
    if (log && log.forgetAt <= now) state.logs.delete(topic);
    if (!log || log.forgetAt <= now) return undefined;
    if (log.expiresAt <= now) log.entries = [];
    return log;
  }

  function endOf(topic: string): Cursor {
    return formatCursor(logOf(topic) ?? { incarnation: 0, sequence: 0 });
  }

  function liveMembers(topic: string): Map<string, Joined> {
    const members = state.members.get(topic) ?? new Map<string, Joined>();
    const now = hub.clock.now();
    for (const [id, member] of members) if (member.expiresAt <= now) members.delete(id);
    if (members.size === 0) state.members.delete(topic);
    return members;
  }

  function listMembers(topic: string): Member[] {
    const members = [...liveMembers(topic)];
    return members
      .map(([id, { info, joinedAt, lastSeen }]) => ({ id, info, joinedAt, lastSeen }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  function sweep(): void {
    let left = SWEEP;
    for (const topic of state.logs.keys()) {
      if (left-- === 0) return;
      const log = logOf(topic);
      if (!log) continue;
      // To the end of the line, so that the next append looks at others.
      state.logs.delete(topic);
      state.logs.set(topic, log);
    }
  }

  function entriesAfter(log: Log | undefined, after: ReadAfter, limit: number): LogEntry[] {
    if (!log || after === 'end') return [];
    const position = after === 'start' ? undefined : parseCursor(after);
    const behind = position?.incarnation === log.incarnation ? position.sequence : 0;
    const first = log.entries[0];
    // Sequences are contiguous, so the place follows from the first one.
    const from = first ? Math.max(0, behind + 1 - first.sequence) : 0;
    return log.entries.slice(from, from + limit);
  }

  return {
    async append(topic, messages, { count, ms, resumeMs }, want) {
      open();
      const at = hub.clock.now();
      const log = logOf(topic) ?? { incarnation: at, sequence: 0, entries: [], expiresAt: 0, forgetAt: 0 };
      const cursors = messages.map(({ data }) => {
        log.sequence++;
        log.entries.push({ sequence: log.sequence, data, at });
        return formatCursor(log);
      });
      log.entries.splice(0, log.entries.length - count);
      log.expiresAt = at + ms;
      log.forgetAt = at + ms + resumeMs;
      state.logs.set(topic, log);
      sweep();
      for (const listener of state.listeners.get(topic) ?? []) queueMicrotask(listener);
      return { cursors, members: want?.members ? listMembers(topic) : [] };
    },

    async read(from, limit) {
      open();
      return from.map(({ topic, after }) => {
        const log = logOf(topic);
        return answerRead(after, log, entriesAfter(log, after, limit), hub.clock.now());
      });
    },

    async hint(topic, onHint) {
      open();
      const listeners = state.listeners.get(topic) ?? new Set();
      state.listeners.set(topic, listeners);
      let ended = false;
      const listener = () => {
        if (!ended) onHint();
      };
      const end = () => {
        ended = true;
        endings.delete(end);
        listeners.delete(listener);
        if (listeners.size === 0 && state.listeners.get(topic) === listeners) state.listeners.delete(topic);
      };
      listeners.add(listener);
      endings.add(end);
      return async () => end();
    },

    async join(topic, { id, info }, ttlMs) {
      open();
      const now = hub.clock.now();
      const members = liveMembers(topic);
      const before = members.get(id);
      const { joinedAt, cursor } = before ?? { joinedAt: now, cursor: endOf(topic) };
      members.set(id, { info, joinedAt, cursor, lastSeen: now, expiresAt: now + ttlMs });
      state.members.set(topic, members);
      return { cursor, joined: before === undefined };
    },

    async leave(topic, memberId) {
      open();
      const was = liveMembers(topic).delete(memberId);
      liveMembers(topic);
      return was;
    },

    async members(topic) {
      open();
      return listMembers(topic);
    },

    async topics() {
      open();
      const names = [...new Set([...state.logs.keys(), ...state.members.keys()])].sort();
      return names
        .map((topic) => ({
          topic,
          messages: logOf(topic)?.entries.length ?? 0,
          members: liveMembers(topic).size,
          cursor: endOf(topic),
        }))
        .filter((one) => one.messages > 0 || one.members > 0)
        .slice(0, MAX_TOPICS);
    },
  };
}
