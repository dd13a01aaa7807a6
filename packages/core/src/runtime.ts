import { timeOrderedIds } from './time-ordered-ids.ts';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Structured logging; the shape pino has. Fields first, then a sentence. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Everything core needs from the process around it. Core reads no clock, starts no timer and draws no id but through this. */
export interface Runtime {
  readonly clock: Clock;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A new unique id. Later ones sort after earlier ones of the same runtime, and of others to about the millisecond. */
  id(): string;
  readonly logger: Logger;
}

const nothing = (): void => undefined;
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A logger that adds fields to every entry. */
export function withFields(logger: Logger, fields: object): Logger {
  const add =
    (level: keyof Logger) =>
    (more: object, message: string): void =>
      logger[level]({ ...fields, ...more }, message);
  return { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') };
}

const systemClock: Clock = { now: () => Date.now() };

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    // A timer holds at most 2^31-1 ms; a longer sleep wakes early, which every caller loops over anyway.
    const timer = setTimeout(wake, Math.min(Math.max(ms, 0), 2 ** 31 - 1));
    signal?.addEventListener('abort', wake, { once: true });
  });
}

/** The real runtime; a part that is named replaces it (tests pass a manual clock). */
export function createRuntime(parts: Partial<Runtime> = {}): Runtime {
  const clock = parts.clock ?? systemClock;
  return {
    clock,
    sleep: parts.sleep ?? sleep,
    id: parts.id ?? timeOrderedIds(clock),
    logger: parts.logger ?? silentLogger,
  };
}
