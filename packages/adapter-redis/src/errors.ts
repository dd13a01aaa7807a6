import { PortolanError } from '@portolan/core';

/** Messages of ioredis that mean: no connection, or it broke before the reply came. */
const AWAY = /Stream isn't writeable|Connection is closed|connection close|max retries per request|Socket timeout/i;
/** Redis answers, but cannot serve now. */
const BUSY =
  /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MISCONF|OOM|ERR max number of clients)\b/;

const away = (cause: Error): PortolanError => new PortolanError('UNAVAILABLE', 'Redis cannot be reached', { cause });
const refused = (what: string, cause: Error): PortolanError =>
  new PortolanError('UNAVAILABLE', `Redis refused ${what}`, { cause, retryable: false });

/**
 * What an ioredis or Redis error means to a caller. Messages name no host, user or password; the cause is a plain copy, since
 * the errors of ioredis carry the arguments of their command, the password of a login among them.
 */
export function classify(error: unknown): PortolanError {
  if (PortolanError.is(error)) return error;
  const cause = withoutArguments(error);
  const { message } = cause;
  if (message === 'Command timed out') return new PortolanError('TIMEOUT', 'Redis did not answer in time', { cause });
  if (isLoginRefusal(message)) return refused('the login', cause);
  if (AWAY.test(message) || isSystemError(error)) return away(cause);
  if (BUSY.test(message)) {
    return new PortolanError('UNAVAILABLE', `Redis cannot serve now (${message.split(' ', 1)[0]})`, { cause });
  }
  if (message.startsWith('NOPERM')) return refused('the command for lack of permission', cause);
  if (message.startsWith('WRONGTYPE')) {
    return new PortolanError('CONFLICT', 'the key holds another kind of data', { cause });
  }
  if (message.startsWith('CROSSSLOT')) {
    return new PortolanError('INVALID', 'the keys lie in different hash slots', { cause });
  }
  return new PortolanError('INTERNAL', 'unexpected answer from Redis', { cause });
}

export const backendClosed = (): PortolanError =>
  new PortolanError('UNAVAILABLE', 'the backend is closed', { retryable: false });

/** Did the server turn the login down? ioredis goes on trying, so that a password mended on the server is enough. */
export function isLoginRefusal(message: string): boolean {
  return /^(WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password)\b/.test(message);
}

/** Why a connection failed, in words for the log. */
export function reasonOf(error: unknown): string {
  const { message } = withoutArguments(error);
  return message || codeOf(error) || 'unknown';
}

function withoutArguments(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  const copy = new Error(message.replace(/,? with args beginning with:.*/s, ''));
  if (error instanceof Error) copy.name = error.name;
  if (error instanceof Error && error.stack) copy.stack = error.stack.replace(message, () => copy.message);
  return copy;
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Errors of sockets, DNS and TLS have a code; answers of Redis have none. */
const isSystemError = (error: unknown): boolean => codeOf(error) !== undefined;
