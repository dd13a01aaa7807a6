/**
 * Where a reader stands in a topic: `incarnation-sequence`. Sequences of one incarnation are contiguous from 1; `0` after the
 * dash is before the first. A topic gets a new incarnation only when the store lost or forgot it; `0-0` is the end of a topic that is not there.
 */
export type Cursor = string;

export interface NewMessage {
  /** JSON text, hence without a NUL; opaque. */
  readonly data: string;
}

export interface TopicRetention {
  /** Messages kept, at least 1. */
  readonly count: number;
  /** ms that the messages are kept after the last append. */
  readonly ms: number;
  /**
   * ms that the topic goes on counting after its messages expired, so that a reader who saw them all resumes without a gap. After that
   * the store forgets the topic, and its next message opens a new incarnation.
   */
  readonly resumeMs: number;
}

export interface Member {
  readonly id: string;
  /** JSON text, hence without a NUL; opaque: who this is. */
  readonly info: string;
  /** ms on the store's clock. */
  readonly joinedAt: number;
  readonly lastSeen: number;
}

export interface Appended {
  /** The cursors of the messages, in order. */
  readonly cursors: readonly Cursor[];
  /** The members that were live in the same atomic step; empty unless asked for. */
  readonly members: readonly Member[];
}

export interface TopicMessage {
  readonly cursor: Cursor;
  readonly data: string;
  /** ms on the store's clock. */
  readonly at: number;
}

export interface TopicRead {
  readonly messages: readonly TopicMessage[];
  /** Pass it as `after` to go on: the last message's cursor, or where the reader stands when there was none. */
  readonly cursor: Cursor;
  /**
   * True when messages between `after` and the first one here are no longer kept, or the topic is another one than `after` came from:
   * the store lost it (the answer starts at the first message kept) or went back behind the reader (the answer stands at its end).
   */
  readonly gap: boolean;
  /** True when more messages stand behind these. */
  readonly more: boolean;
  /** ms on the store's clock at the moment of reading. */
  readonly at: number;
}

/** `end` starts behind the last message, `start` before the first one that is kept. A malformed cursor is INVALID. */
export type ReadAfter = Cursor | 'start' | 'end';

/**
 * Topics: bounded logs with contiguous cursors, and hints that say "look". Order, replay, gaps and back-pressure are solved once in core by
 * reading the log; a hint may be lost, doubled or late. Members of a topic are processes that beat; expiry is on the store's clock.
 * A topic, its members included, is one hash slot. No method retries.
 */
export interface BroadcastPort {
  /**
   * Appends messages in order, trims to the retention and hints every process; with `members: true` the live members are read in the same
   * atomic step, so every member is either in the list and will see the messages, or joined behind them. Not idempotent: after a lost
   * reply the messages may stand there. One round trip.
   */
  append(
    topic: string,
    messages: readonly NewMessage[],
    retention: TopicRetention,
    want?: { readonly members: boolean },
  ): Promise<Appended>;
  /** For each topic the messages after a cursor, at most `limit` of each. Answers in order. Atomic per topic. One round trip. */
  read(from: readonly { readonly topic: string; readonly after: ReadAfter }[], limit: number): Promise<TopicRead[]>;
  /**
   * Calls `onHint` when a topic may have new messages, and whenever hints may have been lost (a reconnect). Resolves once hints
   * flow. The answer stops them. Costs no connection of its own beyond the process's one subscriber.
   */
  hint(topic: string, onHint: () => void): Promise<() => Promise<void>>;
  /**
   * Joins, or beats: the member lives for `ttlMs` from now. Answers the topic's end at the moment of joining; a beat of a live member answers
   * that same cursor and `joined: false`, so a join whose reply was lost can be repeated and nothing sent since is missed. Atomic. One round trip.
   */
  join(
    topic: string,
    member: { readonly id: string; readonly info: string },
    ttlMs: number,
  ): Promise<{ readonly cursor: Cursor; readonly joined: boolean }>;
  /** Leaves at once. Answers whether it was there. One round trip. */
  leave(topic: string, memberId: string): Promise<boolean>;
  /** The live members, by id. One round trip. */
  members(topic: string): Promise<Member[]>;
  /** Topics that hold messages or members, by name (at most 1,000); for inspection. */
  topics(): Promise<
    readonly { readonly topic: string; readonly messages: number; readonly members: number; readonly cursor: Cursor }[]
  >;
}
