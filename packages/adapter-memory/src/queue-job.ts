import type { DeliveredPart, JobLogLine, JobState, NewJob } from '@portolan/core';

export interface Job {
  readonly id: string;
  body: string;
  readonly priority: number;
  readonly group: string | null;
  /** Its place in its group's line; null unless it stepped aside. */
  aside: number | null;
  dedupeKey: string | undefined;
  state: JobState;
  /** Of an active job. */
  session: string | undefined;
  cancelAsked: boolean;
  /** Runs that ended, except those handed back. */
  runs: number;
  stalls: number;
  progress: string | null;
  result: string | null;
  error: string | null;
  dueAt: number | null;
  startedAt: number | null;
  finishedAt: number | null;
  readonly parent: string | null;
  /** Parts that must still come; null for a job that never awaited any. */
  awaits: number | null;
  readonly parts: Map<string, DeliveredPart>;
  logs: JobLogLine[];
}

export const STANDS_NOWHERE = { aside: null, session: undefined, cancelAsked: false } as const;

export function newJob({ id, body, priority, group, dedupeKey, parent, awaits }: NewJob): Job {
  return {
    ...STANDS_NOWHERE,
    id,
    body,
    priority,
    group: group ?? null,
    dedupeKey,
    state: 'waiting',
    runs: 0,
    stalls: 0,
    progress: null,
    result: null,
    error: null,
    dueAt: null,
    startedAt: null,
    finishedAt: null,
    parent: parent ?? null,
    awaits: awaits || null,
    parts: new Map(),
    logs: [],
  };
}
