import { PortolanError } from '@portolan/core';

interface DeadlineOptions {
  readonly timeoutMs: number;
  /** The caller's own signal, beside the deadline. */
  readonly signal?: AbortSignal | undefined;
  /** Opens the messages: "example.com". */
  readonly what: string;
}

/**
 * Runs `work` with a signal that aborts when the time is over or the caller gives up. Whatever `work` throws after that becomes the
 * reason: TIMEOUT, or the caller's own PortolanError, or CANCELLED.
 */
export async function withDeadline<T>(options: DeadlineOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { timeoutMs, signal: caller, what } = options;
  const controller = new AbortController();
  const giveUp = () => {
    const cause: unknown = caller?.reason;
    controller.abort(PortolanError.is(cause) ? cause : new PortolanError('CANCELLED', `${what}: cancelled`, { cause }));
  };
  if (caller?.aborted) giveUp();
  caller?.addEventListener('abort', giveUp, { once: true });
  const timer = setTimeout(() => {
    controller.abort(new PortolanError('TIMEOUT', `${what} did not answer within ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    controller.signal.throwIfAborted();
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    caller?.removeEventListener('abort', giveUp);
  }
}
