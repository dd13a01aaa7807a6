import { PortolanError } from '@portolan/core';

/** Messages of ioredis that mean: no connection, or it broke before the reply came. */
const AWAY =
  /Stream isn't writeable|Connection is closed|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|max retries per request/i;
/** Redis answers, but cannot serve now. */
const BUSY = /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MISCONF|OOM)\b/;

/** What an ioredis or Redis error means to a caller. Messages name no host, user or password. */
export function classify(error: unknown): PortolanError {
  if (PortolanError.is(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (message === 'Command timed out')
    return new PortolanError('TIMEOUT', 'Redis did not answer in time', { cause: error });
  if (AWAY.test(message)) return new PortolanError('UNAVAILABLE', 'Redis cannot be reached', { cause: error });
  if (BUSY.test(message)) {
    return new PortolanError('UNAVAILABLE', `Redis cannot serve now (${message.split(' ', 1)[0]})`, { cause: error });
  }
  if (/^(WRONGPASS|NOAUTH)\b/.test(message) || /NOAUTH|WRONGPASS/.test(message)) {
    return new PortolanError('UNAVAILABLE', 'Redis refused the login', { cause: error, retryable: false });
  }
  if (message.startsWith('NOPERM')) {
    return new PortolanError('UNAVAILABLE', 'Redis refused the command for lack of permission', {
      cause: error,
      retryable: false,
    });
  }
  if (message.startsWith('WRONGTYPE')) {
    return new PortolanError('CONFLICT', 'the key holds another kind of data', { cause: error });
  }
  if (message.startsWith('CROSSSLOT')) {
    return new PortolanError('INVALID', 'the keys lie in different hash slots', { cause: error });
  }
  return new PortolanError('INTERNAL', 'unexpected answer from Redis', { cause: error });
}
