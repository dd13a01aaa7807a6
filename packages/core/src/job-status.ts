import type { ErrorCode } from './errors.ts';
import { decodeParent } from './flow-part.ts';
import { decodeSealed, unknownKey } from './job-cipher.ts';
import { decodeEnvelope, decodeFailure, jobId, type ScheduledTick } from './job-envelope.ts';
import type { JobRecord, JobState } from './ports/queue-inspect.ts';
import type { JobLogLine } from './ports/queue-logs.ts';
import { decodeJson, readable } from './schema.ts';

/**
 * A job as its producer sees it. Times are ms since the epoch: `createdAt` by the producer's clock, the others by the store's. Of a body that somebody else wrote the name is
 * empty, `createdAt` 0 and the data null.
 */
export interface JobStatus {
  readonly id: string;
  readonly queue: string;
  readonly name: string;
  readonly state: JobState;
  /** What the handler reported last; null before. */
  readonly progress: unknown;
  /** Runs started so far. */
  readonly attempts: number;
  /** null when it is encrypted with an unknown key. */
  readonly data: unknown;
  /** Of the definition it was enqueued with. */
  readonly version: number;
  readonly priority: number;
  readonly group?: string;
  readonly createdAt: number;
  /** Of a job that a schedule made. */
  readonly schedule?: ScheduledTick;
  /** The job that waits for this one. */
  readonly parent?: string;
  /** How many children have yet to finish, where there are such: the job is delayed until then. */
  readonly awaits?: number;
  /** When a delayed job becomes due. */
  readonly dueAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** Of a completed job. */
  readonly result?: unknown;
  /** Of the last failed attempt. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** A payload key that is not known here, or does not fit: what is encrypted with it is left out. */
  readonly unknownKey?: string;
}

const FOREIGN = { name: '', createdAt: 0, version: 1, data: null, schedule: undefined, unknownKey: undefined };

export function toJobStatus(queue: string, record: JobRecord): JobStatus {
  const id = jobId(queue, record.id);
  const envelope = readable(() => decodeEnvelope(record.body, `job ${id}`)) ?? FOREIGN;
  const parent = record.parent === null ? undefined : decodeParent(record.parent)?.id;
  const progress = read(record.progress, `progress of job ${id}`);
  const result = read(record.result, `result of job ${id}`);
  const lacking = result.unknownKey ?? progress.unknownKey ?? envelope.unknownKey;
  return {
    id,
    queue,
    name: envelope.name,
    state: record.state,
    progress: progress.value ?? null,
    attempts: record.attempts,
    data: envelope.data ?? null,
    version: envelope.version,
    priority: record.priority,
    ...(record.group === null ? {} : { group: record.group }),
    createdAt: envelope.createdAt,
    ...(envelope.schedule === undefined ? {} : { schedule: envelope.schedule }),
    ...(parent === undefined ? {} : { parent }),
    ...(record.awaits === 0 ? {} : { awaits: record.awaits }),
    ...(record.dueAt === null ? {} : { dueAt: record.dueAt }),
    ...(record.startedAt === null ? {} : { startedAt: record.startedAt }),
    ...(record.finishedAt === null ? {} : { finishedAt: record.finishedAt }),
    ...(result.value === undefined ? {} : { result: result.value }),
    ...(record.error === null || record.state === 'completed' ? {} : { error: decodeFailure(record.error) }),
    ...(lacking === undefined ? {} : { unknownKey: lacking }),
  };
}

/** A line as it is shown. */
export function toLogLine({ at, line }: JobLogLine): JobLogLine {
  const sealed = decodeSealed(line);
  return { at, line: sealed ? unknownKey('this line', sealed.key).message : line };
}

interface Read {
  /** Undefined when it cannot be decrypted. */
  readonly value?: unknown;
  readonly unknownKey?: string;
}

function read(text: string | null, what: string): Read {
  if (text === null) return {};
  const sealed = decodeSealed(text);
  return sealed ? { unknownKey: sealed.key } : { value: decodeJson(text, what) };
}
