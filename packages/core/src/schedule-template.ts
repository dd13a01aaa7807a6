import { PortolanError } from './errors.ts';
import { decodeSealed, unknownKey } from './job-cipher.ts';
import { decodeEnvelope, encodeEnvelope, type JobEnvelope } from './job-envelope.ts';
import type { NewJob } from './ports/queue-push.ts';
import { MISSED, type Missed } from './schedule-plan.ts';
import { decodeJson } from './schema.ts';

/** What becomes of a schedule's ticks: the job as it was prepared, without what each tick adds. */
export interface Template {
  readonly missed: Missed;
  readonly job: Omit<JobEnvelope, 'createdAt' | 'schedule'>;
  readonly push: Omit<NewJob, 'id' | 'body'>;
}

/** Of a schedule and a moment of this process's clock, which is shown and nothing else. */
export interface Tick {
  readonly id: string;
  readonly at: number;
  readonly createdAt: number;
}

export function toTemplate(missed: Missed, { id: _, body, ...push }: NewJob): Template {
  const { createdAt: __, ...job } = decodeEnvelope(body, 'a prepared job');
  return { missed, job, push };
}

/** Throws INTERNAL for what no process of this version wrote, or is encrypted with a key that is not known here. */
export function decodeTemplate(text: string, what: string): Template {
  const sealed = decodeSealed(text);
  if (sealed) throw unknownKey(`the template of ${what}`, sealed.key);
  const value = decodeJson(text, what) as Partial<Template> | null;
  const { missed = 'once', job, push } = value ?? {};
  const { priority, delayMs } = push ?? {};
  if (!job || !push || !MISSED.includes(missed) || !Number.isInteger(priority) || !Number.isInteger(delayMs)) {
    throw new PortolanError('INTERNAL', `${what} does not hold a template`);
  }
  const { createdAt: _, ...checked } = decodeEnvelope(JSON.stringify({ ...job, createdAt: 0 }), what);
  return { missed, job: checked, push };
}

/** The job of a tick: its id is made of the schedule's and the time, so that a tick never makes two. */
export function jobOfTick({ job: { data, ...head }, push }: Template, { id, at, createdAt }: Tick): NewJob {
  const body = encodeEnvelope({ ...head, createdAt, schedule: { id, at } }, JSON.stringify(data));
  return { ...push, id: `${id}@${at}`, body };
}
