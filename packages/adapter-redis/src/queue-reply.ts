import { decodeQueueLimits, type JobLogLine, type JobRecord, type JobState, type QueueInspected } from '@portolan/core';

type Row = readonly (string | number | null)[];

/** The answer of queue-scripts/inspect.ts. */
export function readInspected(queue: string, reply: unknown): QueueInspected {
  const [paused, counts, rows, next, limited] = reply as [number, number[], Row[], number, string | null];
  const [waiting = 0, delayed = 0, active = 0, completed = 0, failed = 0, cancelled = 0] = counts;
  const limits = limited === null ? null : decodeQueueLimits(limited);
  return {
    queues: [
      { queue, paused: paused === 1, limits, counts: { waiting, delayed, active, completed, failed, cancelled } },
    ],
    jobs: rows.map(readRecord),
    cursor: next < 0 ? null : String(next),
  };
}

const text = (value: string | number | null | undefined): string | null => (value == null ? null : String(value));
const time = (value: string | number | null | undefined): number | null => (value == null ? null : Number(value));

function readRecord(row: Row): JobRecord {
  const [id, body, state, priority, attempts, stalls, progress, result, error, ...rest] = row;
  const [dueAt, startedAt, finishedAt, group, parent, awaits] = rest;
  return {
    id: String(id),
    body: String(body),
    state: state as JobState,
    priority: Number(priority),
    group: text(group),
    attempts: Number(attempts),
    stalls: Number(stalls),
    progress: text(progress),
    result: text(result),
    error: text(error),
    dueAt: time(dueAt),
    startedAt: time(startedAt),
    finishedAt: time(finishedAt),
    parent: text(parent),
    awaits: Number(awaits ?? 0),
  };
}

/** The inverse of what queue-scripts/logs.ts keeps. */
export function readLogLine(text: string): JobLogLine {
  const blank = text.indexOf(' ');
  return { at: Number(text.slice(0, blank)), line: text.slice(blank + 1) };
}
