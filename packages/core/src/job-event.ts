import type { JobFailure } from './job-envelope.ts';

export const JOB_EVENT_TYPES = [
  'taken',
  'completed',
  'failed',
  'retried',
  'cancelled',
  'released',
  'lost',
  'recovered',
  'stalled',
] as const;
export type JobEventType = (typeof JOB_EVENT_TYPES)[number];

/** What happened to a job of a queue, small: its data and its result are read with `Queue.get`. The types are those of `WorkerEvent`. */
export interface JobEvent {
  readonly type: JobEventType;
  readonly id: string;
  readonly queue: string;
  /** Name, attempt and ms since it was taken are told by the worker that ran it; not of a job that was cancelled while it waited, or whose worker vanished. */
  readonly name?: string;
  readonly attempt?: number;
  readonly ms?: number;
  /** The message is cut after 300 characters. */
  readonly error?: JobFailure;
}

/** `final`: how jobs ended (completed, failed, cancelled, stalled). `all`: also taken, retried, released, lost and recovered. */
export type JobEventLevel = 'final' | 'all';

const FINAL: ReadonlySet<JobEventType> = new Set(['completed', 'failed', 'cancelled', 'stalled']);

/** Has the job ended, for good unless somebody retries it? */
export function isFinal(type: JobEventType): boolean {
  return FINAL.has(type);
}
