import { PortolanError } from './errors.ts';

/** The pause before a further attempt, as data or as a function of the failed attempt (1 for the first) and its error, in ms. */
export type Backoff =
  | {
      readonly kind: 'fixed' | 'exponential';
      /** ms before the second attempt; `exponential` doubles it for each further one. */
      readonly delayMs: number;
      /** The longest pause in ms; one hour if not said. */
      readonly maxMs?: number;
      /** Share of the pause that is left to chance, from 0 (none, the default) to 1: the pause lies between (1 - jitter) and 1 times its length. */
      readonly jitter?: number;
    }
  | ((attempt: number, error: PortolanError) => number);

const HOUR_MS = 3_600_000;

/** ms to wait after the failed attempt number `attempt`. `random` answers from 0 to below 1. */
export function retryDelay(backoff: Backoff, attempt: number, error: PortolanError, random: () => number): number {
  if (typeof backoff === 'function') {
    const delayMs = backoff(attempt, error);
    return Number.isFinite(delayMs) ? Math.max(0, Math.round(delayMs)) : HOUR_MS;
  }
  const grown = backoff.kind === 'fixed' ? backoff.delayMs : backoff.delayMs * 2 ** (attempt - 1);
  const length = Math.min(grown, backoff.maxMs ?? HOUR_MS);
  return Math.round(length * (1 - (backoff.jitter ?? 0) * random()));
}

/**
 * May a job run again? `failures` counts the failed attempts with this one; vanished workers do not count, they have their own bound.
 * An error that says it is not retryable ends the job at once.
 */
export function mayRetry(error: PortolanError, failures: number, attempts: number): boolean {
  return failures < attempts && error.retryable;
}

/** What a handler threw, as the error its job keeps. An error that is not Portolan's keeps its message, and its job may be tried again. */
export function jobError(thrown: unknown): PortolanError {
  if (PortolanError.is(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new PortolanError('INTERNAL', message || 'the handler failed', { cause: thrown, retryable: true });
}
