import { PortolanError } from '../errors.ts';
import type { NewJob } from './queue-push.ts';

/** Schedules that a queue has at a time. */
export const MAX_SCHEDULES = 1_000;

/** What one schedule more than `MAX_SCHEDULES` is refused with. */
export function tooManySchedules(queue: string): PortolanError {
  return new PortolanError(
    'CONFLICT',
    `queue ${queue}: there are ${MAX_SCHEDULES} schedules already, and no more at a time`,
  );
}

/** A schedule as it is kept. The adapter parses neither text: what the ticks are and what is pushed at them is core's to know. */
export interface ScheduleRecord {
  /** Unique in the queue; apart from the ids of jobs. */
  readonly id: string;
  /** When the ticks are: as long as this text stays the same, so does `nextAt`. */
  readonly timing: string;
  /** What becomes of a tick. */
  readonly template: string;
  /** Never of an adapter. As the store has it, where `template` was made of a text that is to be replaced: encrypted with an old key, say. */
  readonly outdated?: string;
  /** The first tick that has not been fired, in ms; past while it is missed. */
  readonly nextAt: number;
  /** The newest tick that made a job; null before the first. */
  readonly lastAt: number | null;
}

export interface QueueSchedules {
  /** ms on the store's clock. */
  readonly now: number;
  /** The next due first, then by id. */
  readonly list: readonly ScheduleRecord[];
}

export type ScheduleAmendment =
  /**
   * Adds a schedule, or changes the one with this id: its `nextAt` only if `timing` is another text, its `lastAt` never. So it may be said again at any
   * time. `nextAt: null` for a timing without a tick left: adds nothing, and removes a schedule of another timing. Throws `tooManySchedules`; lists the
   * queue when it adds one, so throws `tooManyQueues` as a push does.
   */
  | {
      readonly do: 'schedule';
      readonly id: string;
      readonly timing: string;
      readonly template: string;
      readonly nextAt: number | null;
    }
  /** Removes a schedule; the jobs of its ticks stay. */
  | { readonly do: 'unschedule'; readonly id: string }
  /**
   * Only if the schedule's `nextAt` is `at`, and that has come on the store's clock: sets `nextAt` (null removes the schedule) and `lastAt` (null leaves it),
   * and pushes the jobs as `push` does, in the same atomic step. Else `refused`: another was faster. So each tick is fired once, whoever fires. At most 500 jobs.
   * `renew`: the template becomes `to`, if it is still `from`.
   */
  | {
      readonly do: 'fire';
      readonly id: string;
      readonly at: number;
      readonly nextAt: number | null;
      readonly lastAt: number | null;
      readonly jobs: readonly NewJob[];
      readonly renew?: { readonly from: string; readonly to: string };
    };

export function isScheduleAmendment(amendment: { readonly do: string }): amendment is ScheduleAmendment {
  return amendment.do === 'schedule' || amendment.do === 'unschedule' || amendment.do === 'fire';
}
