import { encodeFailure, type JobFailure } from '../job-envelope.ts';
import type { Settlement } from '../ports/queue-exchange.ts';
import { mayRetry, retryDelay } from '../retry-policy.ts';
import type { WorkerJobEvent } from './event.ts';
import type { Outcome, Run } from './run.ts';

/** What to tell the store of a run, and what to report once it agreed. */
export interface Verdict {
  readonly settlement: Settlement;
  readonly event: Pick<WorkerJobEvent, 'type' | 'error'>;
}

const UNKNOWN_DELAY_MS = { least: 100, most: 300_000 };

/**
 * Policy: what becomes of a job after a run. Undefined for a lost lease, of which the store wants to hear nothing.
 *
 * A job without a handler here is handed back untouched, since a worker of another version may know it; the older the job, the longer it is left
 * alone: a quarter of its age, from 100 ms to 5 min. So a worker that knows it, if there is one, has it soon, and one that nobody knows is taken some 40 times in its first
 * hour. Of a producer whose clock is ahead the age is what it is ahead by, lest its jobs be taken every 100 ms until then.
 */
export function judge(run: Run, outcome: Outcome, now: number, random: () => number): Verdict | undefined {
  const { id } = run.job;
  if (outcome.kind === 'completed') {
    return { settlement: { id, outcome: 'completed', result: outcome.result }, event: { type: 'completed' } };
  }
  if (outcome.kind === 'unknown') {
    const age = Math.abs(now - (run.envelope?.createdAt ?? now));
    const delayMs = Math.round(Math.min(Math.max(UNKNOWN_DELAY_MS.least, age / 4), UNKNOWN_DELAY_MS.most));
    return { settlement: { id, outcome: 'released', delayMs }, event: { type: 'released' } };
  }
  if (outcome.kind === 'interrupted' && outcome.by === 'lost') return undefined;
  if (outcome.kind === 'interrupted' && outcome.by === 'stopped') {
    return { settlement: { id, outcome: 'released', delayMs: 0 }, event: { type: 'released' } };
  }
  const failure: JobFailure = { code: outcome.error.code, message: outcome.error.message };
  const error = encodeFailure(outcome.error);
  if (outcome.kind === 'interrupted' && outcome.by === 'cancelled') {
    return { settlement: { id, outcome: 'cancelled', error }, event: { type: 'cancelled', error: failure } };
  }
  const failures = run.job.attempt - run.job.stalls;
  if (run.handler && mayRetry(outcome.error, failures, run.envelope?.attempts ?? 1)) {
    const { backoff } = run.handler.definition;
    const delayMs = retryDelay(backoff, failures, outcome.error, random, (fault) => {
      run.logger.error({ error: fault }, 'The backoff function of a job is broken: the job waits for an hour');
    });
    return { settlement: { id, outcome: 'retry', delayMs, error }, event: { type: 'retried', error: failure } };
  }
  return { settlement: { id, outcome: 'failed', error }, event: { type: 'failed', error: failure } };
}
