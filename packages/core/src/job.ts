import { invalid } from './errors.ts';
import { DEFAULT_ATTEMPTS } from './job-envelope.ts';
import { checkVersion, type Upgrades } from './job-version.ts';
import { checkName } from './names.ts';
import type { Backoff } from './retry-policy.ts';
import type { Schema } from './schema.ts';

export interface JobOptions<I extends Schema, O extends Schema> {
  readonly name: string;
  /** The queue it goes to unless the producer names another. */
  readonly queue?: string;
  /** What the producer passes and, parsed again, what the handler gets. Only the producer's value is stored, as JSON. */
  readonly input: I;
  /** What the handler answers. A wrong answer fails the job for good. */
  readonly output: O;
  /** Number of runs allowed; 3 if not said. Runs lost to a vanished worker do not count. */
  readonly attempts?: number;
  /** If not said: exponential from 1 s up to 1 min, a fifth of it left to chance. */
  readonly backoff?: Backoff;
  /** A run that takes longer has failed with TIMEOUT; one minute if not said. */
  readonly timeoutMs?: number;
  /** From -1000 to 1000, higher runs first; 0 if not said. */
  readonly priority?: number;
  /**
   * Of the shape of its data, 1 if not said: raise it when stored data of the shape before would not do. It is stored with each job. A worker with an older
   * definition leaves the job to others, as one that it does not know.
   */
  readonly version?: number;
  /** For jobs that were enqueued under an older version: the step from each version to the next, run by the worker before the input is parsed. */
  readonly upgrade?: Upgrades;
}

/** A kind of job, shared by its producers and its worker. */
export interface JobDefinition<I extends Schema = Schema, O extends Schema = Schema> {
  readonly name: string;
  readonly queue: string;
  readonly input: I;
  readonly output: O;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly timeoutMs: number;
  readonly priority: number;
  readonly version: number;
  readonly upgrade: Upgrades;
}

const MAX_ATTEMPTS = 1_000;
const MAX_PRIORITY = 1_000;
const DEFAULT_BACKOFF: Backoff = { kind: 'exponential', delayMs: 1_000, maxMs: 60_000, jitter: 0.2 };

/** Defines a kind of job. Throws INVALID for a bad name or a policy out of range. */
export function defineJob<I extends Schema, O extends Schema>(options: JobOptions<I, O>): JobDefinition<I, O> {
  const {
    name,
    queue = 'default',
    input,
    output,
    backoff = DEFAULT_BACKOFF,
    timeoutMs = 60_000,
    upgrade = {},
  } = options;
  checkName(name, 'job name');
  checkName(queue, 'queue');
  if (!(timeoutMs > 0)) throw invalid(`job ${name}: timeoutMs must be above 0`);
  if (typeof backoff !== 'function') checkBackoff(name, backoff);
  return {
    name,
    queue,
    input,
    output,
    attempts: checkAttempts(options.attempts ?? DEFAULT_ATTEMPTS, `job ${name}`),
    backoff,
    timeoutMs,
    priority: checkPriority(options.priority ?? 0, `job ${name}`),
    version: checkVersion(options.version ?? 1, upgrade, `job ${name}`),
    upgrade,
  };
}

function checkBackoff(name: string, backoff: Exclude<Backoff, (...args: never[]) => number>): void {
  const { kind, delayMs, maxMs = 0, jitter = 0 } = backoff ?? {};
  if (kind !== 'fixed' && kind !== 'exponential') {
    throw invalid(`job ${name}: backoff must be a function, or of the kind fixed or exponential`);
  }
  if (!(delayMs >= 0) || !(maxMs >= 0)) throw invalid(`job ${name}: backoff times must not be negative`);
  if (!(jitter >= 0 && jitter <= 1)) throw invalid(`job ${name}: jitter must lie between 0 and 1`);
}

/** Checks a number of runs. Throws INVALID naming `what`. */
export function checkAttempts(attempts: number, what: string): number {
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > MAX_ATTEMPTS) {
    throw invalid(`${what}: attempts must be a whole number from 1 to ${MAX_ATTEMPTS}`);
  }
  return attempts;
}

/** Checks a priority. Throws INVALID naming `what`. */
export function checkPriority(priority: number, what: string): number {
  if (!Number.isInteger(priority) || Math.abs(priority) > MAX_PRIORITY) {
    throw invalid(`${what}: priority must be a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}`);
  }
  return priority;
}
