import { PortolanError } from './errors.ts';
import { unknownKey } from './job-cipher.ts';
import type { JobStatus } from './job-status.ts';
import type { Runtime } from './runtime.ts';

export interface ResultOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const POLL_MS = { first: 10, most: 1_000, growth: 1.5 };

/** Polls a job until it has finished, ever more slowly. See `Queue.result`. */
export async function awaitResult(
  get: () => Promise<JobStatus | undefined>,
  id: string,
  runtime: Runtime,
  { timeoutMs = 30_000, signal }: ResultOptions,
): Promise<unknown> {
  const deadline = runtime.clock.now() + timeoutMs;
  for (let pause = POLL_MS.first; ; pause = Math.min(pause * POLL_MS.growth, POLL_MS.most)) {
    if (signal?.aborted) throw new PortolanError('CANCELLED', `stopped waiting for job ${id}`);
    const status = await look(get);
    if (status !== 'away') {
      if (status === undefined) throw new PortolanError('NOT_FOUND', `job ${id} is not known`);
      if (status.state === 'completed') return resultOf(status);
      if (status.state === 'cancelled') throw new PortolanError('CANCELLED', `job ${id} was cancelled`);
      if (status.state === 'failed') {
        const { code, message } = status.error ?? { code: 'INTERNAL', message: 'the job failed' };
        throw new PortolanError(code, message, { retryable: false });
      }
    }
    const left = deadline - runtime.clock.now();
    if (left <= 0) throw new PortolanError('TIMEOUT', `job ${id} has not finished within ${timeoutMs} ms`);
    await runtime.sleep(Math.min(pause, left), signal);
  }
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
