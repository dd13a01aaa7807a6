import { invalid } from './errors.ts';
import type { Cursor, ReadAfter, TopicMessage, TopicRead } from './ports/broadcast.ts';

/** A place in a topic, and the end of a log: incarnation and sequence. */
export interface TopicPosition {
  readonly incarnation: number;
  readonly sequence: number;
}

/** A message as a store keeps it. */
export interface LogEntry {
  readonly sequence: number;
  readonly data: string;
  readonly at: number;
}

const CURSOR = /^(\d{1,15})-(\d{1,15})$/;

/** The parts of a cursor. Throws INVALID for anything else. */
export function parseCursor(cursor: string): TopicPosition {
  const match = CURSOR.exec(cursor);
  if (!match)
    throw invalid(`cursor ${JSON.stringify(cursor.slice(0, 40))}: expected incarnation-sequence, start or end`);
  return { incarnation: Number(match[1]), sequence: Number(match[2]) };
}

export function formatCursor({ incarnation, sequence }: TopicPosition): Cursor {
  return `${incarnation}-${sequence}`;
}

const NOWHERE: TopicPosition = { incarnation: 0, sequence: 0 };

/**
 * What a reader is answered, decided once for all adapters. `log` is the topic's end, undefined when it is not there; `entries` are the first kept
 * ones behind `after`, or from the start when `after` is of another incarnation, none for `end`.
 */
export function answerRead(
  after: ReadAfter,
  log: TopicPosition | undefined,
  entries: readonly LogEntry[],
  at: number,
): TopicRead {
  const end = log ?? NOWHERE;
  const last = entries.at(-1);
  const messages = entries.map(
    (entry): TopicMessage => ({
      cursor: formatCursor({ incarnation: end.incarnation, sequence: entry.sequence }),
      data: entry.data,
      at: entry.at,
    }),
  );
  return {
    messages,
    // Without entries nothing behind `after` is kept, so the reader stands at the end.
    cursor: formatCursor({ incarnation: end.incarnation, sequence: last?.sequence ?? end.sequence }),
    gap: after !== 'start' && after !== 'end' && missed(parseCursor(after), end, entries[0]),
    more: last !== undefined && last.sequence < end.sequence,
    at,
  };
}

function missed(after: TopicPosition, end: TopicPosition, first: LogEntry | undefined): boolean {
  // Who stood at the end of a topic that was not there has missed nothing as long as its first message is kept.
  if (after.incarnation === 0) return first ? first.sequence > 1 : end.sequence > 0;
  if (after.incarnation !== end.incarnation) return true;
  return first ? first.sequence > after.sequence + 1 : end.sequence !== after.sequence;
}
