import { PortolanError } from './errors.ts';
import { unknownKey } from './job-cipher.ts';
import { decodeFailure, type JobFailure } from './job-envelope.ts';
import type { JobStatus } from './job-status.ts';
import type { Finish } from './job-waiters.ts';
import type { Runtime } from './runtime.ts';
import { decodeJson } from './schema.ts';

export interface ResultOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const POLL_MS = { first: 10, most: 1_000, growth: 1.5 };

/**
 * Waits until a job has finished: a worker of this process tells it at once, through `listen`; of other processes' it is learned by polling, ever more
 * slowly. See `Queue.result`.
 */
export async function awaitResult(
  get: () => Promise<JobStatus | undefined>,
  listen: (told: (finish: Finish) => void) => () => void,
  id: string,
  runtime: Runtime,
  options: ResultOptions,
): Promise<unknown> {
  const told = Promise.withResolvers<Finish>();
  const deaf = listen(told.resolve);
  const over = new AbortController();
  try {
    const ended = told.promise.then((finish) => outcomeOf(finish, id));
    return await Promise.race([ended, poll(get, id, runtime, options, over.signal)]);
  } finally {
    deaf();
    over.abort();
  }
}

/** Ends at the next sleep once `over`; its answer is not asked for then. */
async function poll(
  get: () => Promise<JobStatus | undefined>,
  id: string,
  runtime: Runtime,
  { timeoutMs = 30_000, signal }: ResultOptions,
  over: AbortSignal,
): Promise<unknown> {
  const deadline = runtime.clock.now() + timeoutMs;
  const ended = signal ? AbortSignal.any([signal, over]) : over;
  for (let pause = POLL_MS.first; !over.aborted; pause = Math.min(pause * POLL_MS.growth, POLL_MS.most)) {
    if (signal?.aborted) throw new PortolanError('CANCELLED', `stopped waiting for job ${id}`);
    const status = await look(get);
    if (status !== 'away') {
      if (status === undefined) throw new PortolanError('NOT_FOUND', `job ${id} is not known`);
      if (status.state === 'completed') return resultOf(status);
      if (status.state === 'cancelled') throw cancelled(id);
      if (status.state === 'failed') throw failed(status.error);
    }
    const left = deadline - runtime.clock.now();
    if (left <= 0) throw new PortolanError('TIMEOUT', `job ${id} has not finished within ${timeoutMs} ms`);
    await runtime.sleep(Math.min(pause, left), ended);
  }
  return undefined;
}

function outcomeOf(finish: Finish, id: string): unknown {
  if (finish.outcome === 'completed') return decodeJson(finish.result, `result of job ${id}`);
  throw finish.outcome === 'cancelled' ? cancelled(id) : failed(decodeFailure(finish.error));
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
