import { type ErrorCode, type Issue, PortolanError } from '@portolan/core';
import { TRPCError } from '@trpc/server';
import { ZodError } from 'zod';

type TRPCCode = TRPCError['code'];

/** The one table from Portolan's codes to tRPC's and HTTP's. */
const TABLE: Readonly<Record<ErrorCode, { readonly trpc: TRPCCode; readonly http: number }>> = {
  INVALID: { trpc: 'BAD_REQUEST', http: 400 },
  UNAUTHORIZED: { trpc: 'UNAUTHORIZED', http: 401 },
  FORBIDDEN: { trpc: 'FORBIDDEN', http: 403 },
  NOT_FOUND: { trpc: 'NOT_FOUND', http: 404 },
  CONFLICT: { trpc: 'CONFLICT', http: 409 },
  TOO_LARGE: { trpc: 'PAYLOAD_TOO_LARGE', http: 413 },
  RATE_LIMITED: { trpc: 'TOO_MANY_REQUESTS', http: 429 },
  CANCELLED: { trpc: 'CLIENT_CLOSED_REQUEST', http: 499 },
  INTERNAL: { trpc: 'INTERNAL_SERVER_ERROR', http: 500 },
  UNAVAILABLE: { trpc: 'SERVICE_UNAVAILABLE', http: 503 },
  TIMEOUT: { trpc: 'GATEWAY_TIMEOUT', http: 504 },
};

const BY_TRPC = new Map(Object.entries(TABLE).map(([code, row]) => [row.trpc, code as ErrorCode]));

/** What a caller learns of an error, over REST as the body and over tRPC as `data.portolan`. */
export interface PublicError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly issues?: readonly Issue[];
  readonly retryAfterMs?: number;
}

export const httpStatus = (code: ErrorCode): number => TABLE[code].http;

/** Any error as a TRPCError whose code comes from the table. */
export function toTRPCError(error: unknown): TRPCError {
  if (error instanceof TRPCError && !PortolanError.is(error.cause)) return error;
  const portolan = PortolanError.from(error instanceof TRPCError ? error.cause : error);
  return new TRPCError({ code: TABLE[portolan.code].trpc, message: portolan.message, cause: portolan });
}

/**
 * What may leave the process. A PortolanError speaks for itself, except that an INTERNAL one is told without its message; refused input is told
 * with every issue; of anything else only the code.
 */
export function toPublicError(error: unknown): PublicError {
  const cause = error instanceof TRPCError ? (error.cause ?? error) : error;
  if (PortolanError.is(cause)) {
    if (cause.code === 'INTERNAL') return { code: 'INTERNAL', message: 'internal error' };
    return {
      code: cause.code,
      message: cause.message,
      ...(cause.issues ? { issues: cause.issues } : {}),
      ...(cause.retryAfterMs === undefined ? {} : { retryAfterMs: cause.retryAfterMs }),
    };
  }
  if (cause instanceof ZodError && error instanceof TRPCError && error.code === 'BAD_REQUEST') return fromZod(cause);
  if (error instanceof TRPCError) return fromTRPC(error);
  return { code: 'INTERNAL', message: 'internal error' };
}

function fromZod(error: ZodError): PublicError {
  const issues = error.issues.map((issue) => ({
    path: issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part)),
    message: issue.message,
  }));
  const first = issues[0];
  return { code: 'INVALID', message: `${first?.path.join('.') || 'input'}: ${first?.message}`, issues };
}

/** tRPC's own refusals (unknown procedure, unparsable body, too large a batch): their code, and their message where it is about the request. */
function fromTRPC(error: TRPCError): PublicError {
  const code =
    BY_TRPC.get(error.code) ??
    (error.code === 'PARSE_ERROR' || error.code === 'UNSUPPORTED_MEDIA_TYPE' || error.code === 'METHOD_NOT_SUPPORTED'
      ? 'INVALID'
      : 'INTERNAL');
  return { code, message: code === 'INTERNAL' ? 'internal error' : error.message };
}
