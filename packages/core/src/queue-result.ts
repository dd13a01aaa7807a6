import { invalid, PortolanError } from './errors.ts';
import { unknownKey } from './job-cipher.ts';
import { decodeFailure, type JobFailure } from './job-envelope.ts';
import type { JobStatus } from './job-status.ts';
import type { Finish } from './job-waiters.ts';
import type { Runtime } from './runtime.ts';
import { decodeJson } from './schema.ts';

export interface ResultOptions {
  /** 30 s if not said; 0 for one look, Infinity for as long as it takes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const POLL_MS = { first: 10, most: 1_000, growth: 1.5 };
/** The first once events tell of the end: the looks are for those that get lost. */
const FOLLOWED_POLL_MS = 50;

/** How it is learned that a job has ended. */
export interface ResultSources {
  /** A look at the store. */
  readonly get: () => Promise<JobStatus | undefined>;
  /** Tells at once what a worker of this process has done. The answer ends it. */
  readonly listen: (told: (finish: Finish) => void) => () => void;
  /** Calls `wake` when a look may tell more, whatever process ran the job; undefined where events are off. The answer ends it. */
  readonly watch: ((wake: () => void) => () => void) | undefined;
  /** A worker of this process serves the queue, so most likely nothing needs to be watched. */
  readonly served: boolean;
}

/** Waits until a job has finished: a worker of this process tells it, or events tell that a look is worth while; beside that it is polled for, ever more slowly. See `Queue.result`. */
export async function awaitResult(
  sources: ResultSources,
  id: string,
  runtime: Runtime,
  options: ResultOptions,
): Promise<unknown> {
  if (options.timeoutMs !== undefined && !(options.timeoutMs >= 0)) throw invalid('timeoutMs: must not be below 0');
  const told = Promise.withResolvers<Finish>();
  const deaf = sources.listen(told.resolve);
  const over = new AbortController();
  try {
    const ended = told.promise.then((finish) => outcomeOf(finish, id));
    return await Promise.race([ended, poll(sources, id, runtime, options, over.signal)]);
  } finally {
    deaf();
    over.abort();
  }
}

/** Ends at the next sleep once `over`; its answer is not asked for then. */
async function poll(
  { get, watch, served }: ResultSources,
  id: string,
  runtime: Runtime,
  { timeoutMs = 30_000, signal }: ResultOptions,
  over: AbortSignal,
): Promise<unknown> {
  const deadline = runtime.clock.now() + timeoutMs;
  const nap = new Nap(runtime, signal ? AbortSignal.any([signal, over]) : over);
  let unwatch: (() => void) | undefined;
  let known = false;
  try {
    let pause = POLL_MS.first;
    for (let looks = 0; !over.aborted; looks += 1) {
      // Before the look, so that no end falls between the two.
      if (watch && looks === (served ? 1 : 0)) {
        unwatch = watch(() => nap.wake());
        pause = FOLLOWED_POLL_MS;
      }
      if (signal?.aborted) throw new PortolanError('CANCELLED', `stopped waiting for job ${id}`);
      const status = await look(get);
      if (status !== 'away') {
        if (status === undefined) throw notFound(id, known);
        known = true;
        if (status.state === 'completed') return resultOf(status);
        if (status.state === 'cancelled') throw cancelled(id);
        if (status.state === 'failed') throw failed(status.error);
      }
      const left = deadline - runtime.clock.now();
      if (left <= 0) throw new PortolanError('TIMEOUT', `job ${id} has not finished within ${timeoutMs} ms`);
      await nap.take(Math.min(pause, left));
      pause = Math.min(pause * POLL_MS.growth, POLL_MS.most);
    }
    return undefined;
  } finally {
    unwatch?.();
  }
}

/** A sleep that can be ended early; to be woken before it begins is to be woken at once. */
class Nap {
  readonly #runtime: Runtime;
  #woken = false;
  #sleeping: AbortController | undefined;

  constructor(runtime: Runtime, signal: AbortSignal) {
    this.#runtime = runtime;
    if (signal.aborted) this.#woken = true;
    else signal.addEventListener('abort', () => this.wake(), { once: true });
  }

  wake(): void {
    this.#woken = true;
    this.#sleeping?.abort();
  }

  async take(ms: number): Promise<void> {
    if (!this.#woken) {
      this.#sleeping = new AbortController();
      await this.#runtime.sleep(ms, this.#sleeping.signal);
    }
    this.#woken = false;
  }
}

function outcomeOf(finish: Finish, id: string): unknown {
  if (finish.outcome === 'completed') return decodeJson(finish.result, `result of job ${id}`);
  throw finish.outcome === 'cancelled' ? cancelled(id) : failed(decodeFailure(finish.error));
}

/** `known`: it was there at an earlier look. */
function notFound(id: string, known: boolean): PortolanError {
  const gone =
    'was removed, or has finished and is no longer kept: the retention of its workers is shorter than the wait';
  return new PortolanError('NOT_FOUND', `job ${id} ${known ? gone : 'is not known'}`);
}

function cancelled(id: string): PortolanError {
  return new PortolanError('CANCELLED', `job ${id} was cancelled`);
}

function failed({ code, message }: JobFailure = { code: 'INTERNAL', message: 'the job failed' }): PortolanError {
  return new PortolanError(code, message, { retryable: false });
}

function resultOf({ id, unknownKey: key, ...status }: JobStatus): unknown {
  if (key !== undefined && !('result' in status)) throw unknownKey(`the result of job ${id}`, key);
  return status.result;
}

async function look(get: () => Promise<JobStatus | undefined>): Promise<JobStatus | undefined | 'away'> {
  try {
    return await get();
  } catch (error) {
    if (PortolanError.is(error) && error.retryable) return 'away';
    throw error;
  }
}
