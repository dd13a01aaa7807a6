import { invalid, PortolanError } from './errors.ts';

/** The longest that a job may be told to wait. */
export const MAX_DELAY_MS = 10 * 366 * 86_400_000;

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

/**
 * ms to wait after the failed attempt number `attempt`, from 0 to ten years. `random` answers from 0 to below 1. Never throws, since a run that cannot be judged
 * would hold its job for ever: a function that throws or answers what is no time means an hour, and `tell` hears of it.
 */
export function retryDelay(
  backoff: Backoff,
  attempt: number,
  error: PortolanError,
  random: () => number,
  tell: (fault: unknown) => void = () => undefined,
): number {
  return Math.min(Math.max(Math.round(pause()), 0), MAX_DELAY_MS);

  function pause(): number {
    if (typeof backoff !== 'function') {
      const grown = backoff.kind === 'fixed' ? backoff.delayMs : backoff.delayMs * 2 ** (attempt - 1);
      return Math.min(grown, backoff.maxMs ?? HOUR_MS) * (1 - (backoff.jitter ?? 0) * random());
    }
    try {
      const delayMs = backoff(attempt, error);
      if (Number.isFinite(delayMs)) return delayMs;
      tell(invalid(`it answered ${String(delayMs)}`));
    } catch (fault) {
      tell(fault);
    }
    return HOUR_MS;
  }
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
