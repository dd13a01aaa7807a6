import { PortolanError } from '@portolan/core';

const BUSY = 5;
const LOCKED = 6;
/** Others kept the log's locks too busy, see SQLITE_PROTOCOL. */
const PROTOCOL = 15;
const READONLY = 8;
const CANTOPEN = 14;
const TOO_BIG = 18;
const CORRUPT = 11;
const NOT_SQLITE = 26;
/** Codes of SQLite that mean: the file cannot be used now. PERM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB. */
const UNUSABLE: ReadonlyMap<number, string> = new Map([
  [3, 'the file cannot be opened'],
  [8, 'the file cannot be written'],
  [10, 'the disk failed'],
  [11, 'the file is damaged'],
  [13, 'the disk is full'],
  [14, 'the file cannot be opened'],
  [26, 'the file is not a SQLite database'],
]);

/** SQLite's primary result code of an error; undefined for other errors. */
function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Another file has the name since this one was opened: a backup was restored in that moment. */
export class MovedError extends Error {}

/** What SQLite says when it notices by itself: SQLITE_READONLY_DBMOVED. */
export const isMoved = (error: unknown): boolean => (error as { errcode?: unknown } | null)?.errcode === 1032;

/** True when another process holds the lock, or put another file in this one's place: worth trying again. */
export function isBusy(error: unknown): boolean {
  if (error instanceof MovedError) return true;
  const code = sqliteCode(error);
  return code === BUSY || code === LOCKED || code === PROTOCOL;
}

/** True when the file is damaged, or no SQLite file at all. */
export function isUnreadable(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === CORRUPT || code === NOT_SQLITE;
}

/** True when the file, or what belongs beside it, cannot be opened or made. */
export function isUnopened(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === CANTOPEN || code === READONLY;
}

export function lockedError(cause?: unknown): PortolanError {
  return new PortolanError('UNAVAILABLE', 'SQLite: other processes hold the file', { cause });
}

/** The names of a file that went while it was open lead nowhere, or to another: what was written would be lost with the last process. */
export function lostError(): PortolanError {
  return new PortolanError(
    'UNAVAILABLE',
    'SQLite: the file was removed or replaced while it was open: start this process anew',
    {
      retryable: false,
    },
  );
}

export function closedError(): PortolanError {
  return new PortolanError('UNAVAILABLE', 'the backend is closed', { retryable: false });
}

/** What an error of SQLite means to a caller. Messages name no path. */
export function classify(error: unknown): PortolanError {
  if (PortolanError.is(error)) return error;
  const code = sqliteCode(error);
  if (isBusy(error)) return lockedError(error);
  if (code === TOO_BIG)
    return new PortolanError('TOO_LARGE', 'longer than SQLite stores in one place', { cause: error });
  const reason = code === undefined ? undefined : UNUSABLE.get(code);
  if (reason) return new PortolanError('UNAVAILABLE', `SQLite: ${reason}`, { cause: error, retryable: code === 13 });
  return new PortolanError('INTERNAL', 'unexpected answer from SQLite', { cause: error });
}
