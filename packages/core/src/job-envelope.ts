import { ERROR_CODES, type ErrorCode, invalid, PortolanError } from './errors.ts';
import { sealedOf, unknownKey } from './job-cipher.ts';
import { isVersion } from './job-version.ts';
import { checkName } from './names.ts';
import { decodeJson } from './schema.ts';

/** What is stored as a job's body: JSON that `redis-cli` shows and services in other languages can read. */
export interface JobEnvelope {
  readonly name: string;
  /** Number of runs allowed; `DEFAULT_ATTEMPTS` is not written. */
  readonly attempts: number;
  /** ms on the producer's clock; shown, never decided on. */
  readonly createdAt: number;
  /** Of the data's shape; 1 is not written. */
  readonly version: number;
  /** Of a job that a schedule made. */
  readonly schedule?: ScheduledTick;
  /** Ids of the jobs it waits for, by name; only where there are any. */
  readonly children?: Readonly<Record<string, string>>;
  readonly data: unknown;
  /** Instead of the data: the payload key that it could not be decrypted with. */
  readonly unknownKey?: string;
}

export const DEFAULT_ATTEMPTS = 3;

/** The schedule that made a job, and the time of its tick in ms since the epoch. */
export interface ScheduledTick {
  readonly id: string;
  readonly at: number;
}

/** `data` is JSON text already, so that it is turned into text once. */
export function encodeEnvelope(
  { name, attempts, createdAt, version, schedule, children }: Omit<JobEnvelope, 'data'>,
  data: string,
): string {
  const limited = attempts === DEFAULT_ATTEMPTS ? '' : `"attempts":${attempts},`;
  const versioned = version === 1 ? '' : `"version":${version},`;
  const scheduled = schedule ? `"schedule":${JSON.stringify(schedule)},` : '';
  const kin = children ? `"children":${JSON.stringify(children)},` : '';
  return `{"name":${JSON.stringify(name)},${limited}"createdAt":${createdAt},${versioned}${scheduled}${kin}"data":${data}}`;
}

/** Throws INTERNAL when somebody else wrote the body. */
export function decodeEnvelope(body: string, what: string): JobEnvelope {
  const value = decodeJson(body, what) as Partial<JobEnvelope> | null;
  const { name, attempts = DEFAULT_ATTEMPTS, createdAt, version = 1, schedule, children, data } = value ?? {};
  if (
    typeof name !== 'string' ||
    typeof attempts !== 'number' ||
    typeof createdAt !== 'number' ||
    !isVersion(version) ||
    !(schedule === undefined || (typeof schedule?.id === 'string' && typeof schedule.at === 'number'))
  ) {
    throw new PortolanError('INTERNAL', `${what} does not hold a job`);
  }
  const ticked = schedule === undefined ? {} : { schedule };
  const kin = isChildren(children) ? { children } : {};
  const sealed = sealedOf(value);
  return { name, attempts, createdAt, version, ...ticked, ...kin, data, ...(sealed ? { unknownKey: sealed.key } : {}) };
}

function isChildren(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((id) => typeof id === 'string' && id.indexOf(':') > 0);
}

/** A failure as it is kept and shown. */
export interface JobFailure {
  readonly code: ErrorCode;
  readonly message: string;
}

const MAX_MESSAGE = 2_000;

export function encodeFailure(error: PortolanError): string {
  return JSON.stringify({ code: error.code, message: error.message.slice(0, MAX_MESSAGE) });
}

export function decodeFailure(text: string): JobFailure {
  const value = decodeJson(text, 'a job error') as Partial<JobFailure> | null;
  const code = ERROR_CODES.find((one) => one === value?.code) ?? 'INTERNAL';
  const sealed = sealedOf(value);
  if (sealed) return { code, message: unknownKey('what it says', sealed.key).message };
  return { code, message: typeof value?.message === 'string' ? value.message : 'the job failed' };
}

/** `QUEUE:ID`. A queue name has no colon, so the id alone tells the queue; the port stores only the part after it. */
export function jobId(queue: string, local: string): string {
  return `${queue}:${local}`;
}

/** The inverse of `jobId`. Throws INVALID for what was never a job id. */
export function parseJobId(id: string): { readonly queue: string; readonly local: string } {
  const colon = id.indexOf(':');
  if (colon < 0 || colon === id.length - 1 || id.length > 512) {
    throw invalid(`job id ${JSON.stringify(id.slice(0, 140))}: expected QUEUE:ID`);
  }
  return { queue: checkName(id.slice(0, colon), 'queue of the job id'), local: id.slice(colon + 1) };
}
