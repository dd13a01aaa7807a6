import { type ErrorCode, type Issue, type JobContext, type Logger, PortolanError } from '@portolan/core';

/** What a thread is started with. */
export interface ThreadData {
  readonly module: string;
  /** The first number is the last run that was told to stop. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

/** A run as it is handed over: what of the context is plain data, and the job's. */
export interface Task {
  /** Which of the thread's runs it is. */
  readonly run: number;
  readonly id: string;
  readonly queue: string;
  readonly attempt: number;
  readonly createdAt: number;
  readonly schedule?: JobContext['schedule'];
  readonly data: unknown;
}

/** To the thread, which makes one run at a time. */
export type Order =
  | { readonly do: 'run'; readonly task: Task }
  | { readonly do: 'stop'; readonly reason: ErrorData }
  | { readonly do: 'answer'; readonly call: number; readonly value?: unknown; readonly error?: ErrorData };

/** From the thread: of the run that it names. One that goes on behind its own end is heard no more. */
export type Report = { readonly run: number } /** The module stands ready; told by a thread's first run. */ & (
  | { readonly is: 'loaded' }
  | { readonly is: 'done'; readonly value: unknown }
  | { readonly is: 'failed'; readonly error: ErrorData }
  /** Both are answered. */
  | { readonly is: 'progress'; readonly call: number; readonly value: unknown }
  | { readonly is: 'children'; readonly call: number }
  | { readonly is: 'line'; readonly line: string }
  | { readonly is: 'log'; readonly level: keyof Logger; readonly fields: object; readonly message: string }
);

/** An error as data: classes do not survive the way. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly issues?: readonly Issue[];
  readonly retryAfterMs?: number;
  readonly stack?: string;
}

/** What is not Portolan's keeps its message and may be tried again, as from any handler. */
export function encodeError(thrown: unknown): ErrorData {
  const stack = thrown instanceof Error && thrown.stack ? { stack: thrown.stack } : {};
  if (!PortolanError.is(thrown)) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return { code: 'INTERNAL', message: message || 'the handler failed', retryable: true, ...stack };
  }
  const { code, message, retryable, issues, retryAfterMs } = thrown;
  return {
    ...{ code, message, retryable, ...stack },
    ...(issues ? { issues } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

export function decodeError({ code, message, stack, ...options }: ErrorData): PortolanError {
  if (!stack) return new PortolanError(code, message, options);
  const cause = new Error(message);
  cause.stack = stack;
  return new PortolanError(code, message, { ...options, cause });
}

/** Runs `send`, which copies a value to the other thread. Throws INVALID for one that cannot be copied: a function, a socket. */
export function copying(what: string, send: () => void): void {
  try {
    send();
  } catch (cause) {
    const { message } = cause as Error;
    throw new PortolanError('INVALID', `${what} cannot be copied to another thread: ${message}`, { cause });
  }
}
