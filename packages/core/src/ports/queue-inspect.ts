import type { DeliveredPart, FlowInspection, OwedPart } from './queue-flow.ts';
import type { QueueLimits } from './queue-limits.ts';
import type { JobLogLine } from './queue-logs.ts';
import type { QueueSchedules } from './queue-schedule.ts';

export type JobState = 'waiting' | 'delayed' | 'active' | 'completed' | 'failed' | 'cancelled';

export interface JobRecord {
  readonly id: string;
  readonly body: string;
  readonly state: JobState;
  readonly priority: number;
  readonly group: string | null;
  /** Runs started so far. */
  readonly attempts: number;
  readonly stalls: number;
  /** Opaque JSON text, as reported last; null for none. */
  readonly progress: string | null;
  readonly result: string | null;
  /** Of the last failed attempt. */
  readonly error: string | null;
  /** null for one that is held, too. */
  readonly dueAt: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** As it was pushed; null for none. */
  readonly parent: string | null;
  /** Parts that must still come; 0 for a job that awaits none. */
  readonly awaits: number;
}

export interface QueueSummary {
  readonly queue: string;
  readonly paused: boolean;
  readonly limits: QueueLimits | null;
  /** `waiting` counts those that stepped aside too. */
  readonly counts: Readonly<Record<JobState, number>>;
}

export type QueueInspection =
  /** The names of the listed queues, sorted, and nothing else. One round trip, whatever they hold: workers ask every few seconds. */
  | {
      readonly of: 'names';
      /** Also those that hold something and are not on the list, which costs a look at every key of the store. */
      readonly unlisted?: true;
    }
  /** The listed queues by name, no jobs. */
  | { readonly of: 'queues' }
  /** One queue's summary and these jobs (unknown ids are left out). */
  | { readonly of: 'jobs'; readonly queue: string; readonly ids: readonly string[] }
  /** The log of one job, and nothing else. */
  | { readonly of: 'logs'; readonly queue: string; readonly id: string }
  /** One queue's summary and a page of its jobs in a state, next to run (or newest finished) first. Not a snapshot. Those that stepped aside for the limit of their group come behind all others that wait. */
  | {
      readonly of: 'state';
      readonly queue: string;
      readonly state: JobState;
      readonly cursor: string | null;
      readonly limit: number;
    }
  /** A page of one queue's schedules, the next due first. No summary, no jobs. Not a snapshot. */
  | {
      readonly of: 'schedules';
      readonly queue: string;
      readonly cursor: string | null;
      /** From 0, for the store's time alone. */
      readonly limit: number;
    }
  | FlowInspection;

export interface QueueInspected {
  readonly queues: readonly QueueSummary[];
  readonly jobs: readonly JobRecord[];
  readonly cursor: string | null;
  /** Of an inspection of names. */
  readonly names?: readonly string[];
  /** Of an inspection of schedules. */
  readonly schedules?: QueueSchedules;
  /** Only of `owed`. */
  readonly owed?: readonly OwedPart[];
  /** Only of `parts`. */
  readonly parts?: readonly DeliveredPart[];
  /** Asked for a log: its lines, the oldest first; undefined when there is no such job. */
  readonly logs?: readonly JobLogLine[] | undefined;
}
