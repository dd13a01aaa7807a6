/** The closed list of error codes. Adapters classify, core wraps once, the server maps codes to tRPC and HTTP in one table. */
export const ERROR_CODES = [
  'INVALID',
  'NOT_FOUND',
  'CONFLICT',
  'UNAVAILABLE',
  'TIMEOUT',
  'TOO_LARGE',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'CANCELLED',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** One thing wrong with an input: where (a path of keys and indexes) and what. */
export interface Issue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface PortolanErrorOptions {
  /** May the same call succeed later? Defaults to true for UNAVAILABLE, TIMEOUT and RATE_LIMITED. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
  readonly issues?: readonly Issue[];
  /** Milliseconds after which a retry makes sense. */
  readonly retryAfterMs?: number;
}

const MARKER = Symbol.for('portolan.error');
const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED']);

/**
 * The only error class Portolan throws. Tell it with `PortolanError.is`, which also holds when two copies
 * of the package are loaded. Its message is meant for callers: it names what was wrong and carries no secret.
 */
export class PortolanError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly issues: readonly Issue[] | undefined;
  readonly retryAfterMs: number | undefined;
  readonly [MARKER] = true;

  constructor(code: ErrorCode, message: string, options: PortolanErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PortolanError';
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    this.issues = options.issues;
    this.retryAfterMs = options.retryAfterMs;
  }

  static is(value: unknown, code?: ErrorCode): value is PortolanError {
    const marked = typeof value === 'object' && value !== null && MARKER in value;
    return marked && (code === undefined || (value as PortolanError).code === code);
  }

  /** Anything thrown, as a PortolanError: itself, or an INTERNAL that keeps it as its cause. */
  static from(value: unknown, message = 'internal error'): PortolanError {
    return PortolanError.is(value) ? value : new PortolanError('INTERNAL', message, { cause: value });
  }
}

/** An error with the place in the input where it arose: in front of its message (`list[7]: …`, `children.a: …`), and of the path of each issue. What is not a PortolanError stays as it is. */
export function errorAt(place: readonly (string | number)[], error: unknown): unknown {
  if (!PortolanError.is(error) || place.length === 0) return error;
  const { code, message, retryable, issues, retryAfterMs } = error;
  const words = place.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${part}`));
  return new PortolanError(code, `${words.join('')}: ${message}`, {
    retryable,
    cause: error,
    ...(issues ? { issues: issues.map((issue) => ({ ...issue, path: [...place, 'data', ...issue.path] })) } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Shorthand for the error of a bad argument. */
export function invalid(message: string, issues?: readonly Issue[]): PortolanError {
  return new PortolanError('INVALID', message, issues ? { issues } : {});
}
