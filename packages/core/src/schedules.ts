import { invalid, PortolanError } from './errors.ts';
import type { JobDefinition } from './job.ts';
import { decodeSealed } from './job-cipher.ts';
import { DEFAULT_ATTEMPTS } from './job-envelope.ts';
import { checkName } from './names.ts';
import type { QueuePort } from './ports/queue.ts';
import type { NewJob } from './ports/queue-push.ts';
import type { QueueSchedules, ScheduleRecord } from './ports/queue-schedule.ts';
import type { EnqueueOptions } from './queue-contract.ts';
import { MISSED, type Missed } from './schedule-plan.ts';
import { decodeTemplate, type Template, toTemplate } from './schedule-template.ts';
import { checkTiming, decodeTiming, encodeTiming, type Timing, ticksOf } from './schedule-timing.ts';
import { type InputOf, readable, type Schema } from './schema.ts';

export interface ScheduleOptions extends Timing {
  /** Unique in the queue: letters, digits, dots, dashes or underscores. */
  readonly id: string;
  /**
   * If not said, `once`: what was missed is made good as soon as a worker is back, and nothing piles up. A handler that minds the hour finds its tick's time
   * in `context.schedule`.
   */
  readonly missed?: Missed;
  /** Of every job. With a `dedupeKey` a tick makes no job while that of an earlier one has not finished. */
  readonly options?: Omit<EnqueueOptions, 'id' | 'delayMs'>;
}

/**
 * A schedule as it is shown. Times are ms since the epoch, by the store's clock. Of one that cannot be read, since it is encrypted with an unknown key or another version
 * wrote it, the name is empty, the data null, and the rest what it is unless said.
 */
export interface ScheduleStatus extends Timing {
  readonly id: string;
  readonly queue: string;
  /** Of its jobs, as are the data, the version and so on. */
  readonly name: string;
  readonly data: unknown;
  readonly version: number;
  readonly attempts: number;
  readonly priority: number;
  readonly dedupeKey?: string;
  readonly group?: string;
  readonly missed: Missed;
  /** Past while it is missed. */
  readonly nextAt: number;
  /** The newest tick that made a job; null before the first. */
  readonly lastAt: number | null;
  /** The payload key that its template is encrypted with, which is not known here, or does not fit: what that tells is left out. */
  readonly unknownKey?: string;
}

export interface SchedulePage {
  readonly schedules: readonly ScheduleStatus[];
  readonly cursor: string | null;
}

/** Schedules of all queues: ticks that make jobs. They do not depend on runs: a tick makes its job whatever became of the one before. */
export interface Schedules {
  /**
   * Adds a schedule, or changes the one with this id. Every process may say it when it starts: the same timing changes nothing, not even the next tick; other
   * data or options hold from the next tick on; another timing begins now. After `endAt` it removes itself.
   *
   * Any worker that serves the queue fires what is due, one of them each tick, a paused queue's as well. INVALID names the field, TOO_LARGE for more than 64 KiB
   * of data, CONFLICT for one more than 1,000 in a queue. Two or three round trips.
   */
  schedule<I extends Schema>(job: JobDefinition<I>, data: InputOf<I>, options: ScheduleOptions): Promise<void>;
  /** False when there was none. Jobs that it made stay. */
  unschedule(queue: string, id: string): Promise<boolean>;
  /** A page of a queue's schedules, the next due first. Not a snapshot. `limit` from 1 to 500; 50 if not said. */
  schedules(queue: string, page?: { readonly cursor?: string | null; readonly limit?: number }): Promise<SchedulePage>;
}

/** Kept for as long as the schedule, and told in every list. */
const MAX_TEMPLATE_BYTES = 64 * 1024;

export function createSchedules(
  port: QueuePort,
  prepare: (job: JobDefinition, data: unknown, options: EnqueueOptions) => Promise<[string, NewJob]>,
): Schedules {
  async function look(queue: string, cursor: string | null, limit: number): Promise<[QueueSchedules, string | null]> {
    const { schedules, cursor: next } = await port.inspect({ of: 'schedules', queue, cursor, limit });
    if (!schedules) throw new PortolanError('INTERNAL', 'the store tells no schedules');
    return [schedules, next];
  }

  return {
    async schedule(job, data, { id, missed = 'once', options = {}, ...said }) {
      checkName(id, 'id');
      if (!MISSED.includes(missed)) throw invalid(`missed: one of ${MISSED.join(', ')}`);
      if ('id' in options) throw invalid('options.id: each tick has its own');
      const timing = checkTiming(said);
      const [queue, made] = await prepare(job, data, options);
      if (made.delayMs > 0) throw invalid('options.delayMs: a tick makes its job at its time');
      const template = JSON.stringify(toTemplate(missed, made));
      if (Buffer.byteLength(template) > MAX_TEMPLATE_BYTES) {
        throw new PortolanError(
          'TOO_LARGE',
          `input of job ${job.name}: more than ${MAX_TEMPLATE_BYTES} bytes in a schedule`,
        );
      }
      const [{ now }] = await look(queue, null, 0);
      const ticks = ticksOf(timing);
      const nextAt = ticks.after(now - 1);
      if (nextAt === null && ticks.after((timing.startAt ?? 1) - 1) === null)
        throw invalid('endAt: no tick comes before it');
      await port.amend(queue, { do: 'schedule', id, timing: encodeTiming(timing), template, nextAt });
    },
    async unschedule(queue, id) {
      checkName(queue, 'queue');
      return (await port.amend(queue, { do: 'unschedule', id: checkName(id, 'id') })) === 'done';
    },
    async schedules(queue, { cursor = null, limit = 50 } = {}) {
      checkName(queue, 'queue');
      if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw invalid('limit: a whole number from 1 to 500');
      if (cursor !== null && !/^\d{1,15}$/.test(cursor)) throw invalid('cursor: not one of this list');
      const [{ list }, next] = await look(queue, cursor, limit);
      return { schedules: list.map((record) => toStatus(queue, record)), cursor: next };
    },
  };
}

function toStatus(queue: string, { id, timing, template, nextAt, lastAt }: ScheduleRecord): ScheduleStatus {
  const what = `schedule ${id} of queue ${queue}`;
  const { missed, job, push } = readable(() => decodeTemplate(template, what)) ?? UNREADABLE;
  const { name, data, version, attempts } = job;
  const { priority, dedupeKey, group } = push;
  const sealed = decodeSealed(template);
  return {
    id,
    queue,
    name,
    data,
    version,
    attempts,
    priority,
    ...(dedupeKey === undefined ? {} : { dedupeKey }),
    ...(group === undefined ? {} : { group }),
    ...readable(() => decodeTiming(timing, what)),
    missed,
    nextAt,
    lastAt,
    ...(sealed === undefined ? {} : { unknownKey: sealed.key }),
  };
}

const UNREADABLE: Template = {
  missed: 'once',
  job: { name: '', data: null, version: 1, attempts: DEFAULT_ATTEMPTS },
  push: { priority: 0, delayMs: 0 },
};
