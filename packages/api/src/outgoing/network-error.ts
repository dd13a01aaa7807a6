import { PortolanError } from '@portolan/core';

const TIMED_OUT: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/**
 * What undici, the socket, DNS, TLS or zlib threw, as a PortolanError. Its message opens with `what` and tells no more than that there
 * was no usable answer: whether a port was closed, filtered or not HTTP is in the cause, for the log.
 */
export function networkError(cause: unknown, what: string): PortolanError {
  if (PortolanError.is(cause)) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (TIMED_OUT.has(code)) return new PortolanError('TIMEOUT', `${what} did not answer in time`, { cause });
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return new PortolanError('TOO_LARGE', `${what} sent too many headers`, { cause });
  return new PortolanError('UNAVAILABLE', `${what} gave no usable answer`, { cause });
}
