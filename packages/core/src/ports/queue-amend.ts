import type { FlowAmendment } from './queue-flow.ts';
import type { QueueLimits } from './queue-limits.ts';
import type { ScheduleAmendment } from './queue-schedule.ts';

export type Amendment =
  /** Waiting or delayed: cancelled now. Active: its session is told at the next beat or exchange. */
  | { readonly do: 'cancel'; readonly id: string }
  /**
   * A failed or cancelled job runs again at once, with its attempts counted from zero and without its dedupe key. It goes to the back of the
   * queue; one that was cancelled while waiting takes its old place if that has not come up yet. One that still awaits parts is held again. A `body` takes the
   * place of the one it had.
   */
  | { readonly do: 'retry'; readonly id: string; readonly body?: string }
  /** A delayed job becomes due now; refused to one that is held. */
  | { readonly do: 'promote'; readonly id: string }
  /** Removes a job that is not active, with everything kept of it. To its parent, one that had not finished was cancelled. */
  | { readonly do: 'remove'; readonly id: string }
  /** Progress of a job that `session` leases; opaque JSON text. */
  | { readonly do: 'progress'; readonly id: string; readonly session: string; readonly progress: string }
  /** Adds lines to the log of a job that `session` leases; at most `MAX_LOG_LINES`, and no more are kept. The log is forgotten with the job. */
  | { readonly do: 'log'; readonly id: string; readonly session: string; readonly lines: readonly string[] }
  /** While paused nothing is claimed; pushes and settles go on. */
  | { readonly do: 'pause' | 'resume' }
  /** Sets the queue's limits, which are kept with it as a pause is; null lifts them. O(groups that have jobs aside). */
  | { readonly do: 'limit'; readonly limits: QueueLimits | null }
  | ScheduleAmendment
  | FlowAmendment;

/** `done` now, `asked` of the worker that runs it, `refused` in the job's present state (or by a lost lease), `missing` for an unknown id. */
export type Amended = 'done' | 'asked' | 'refused' | 'missing';
