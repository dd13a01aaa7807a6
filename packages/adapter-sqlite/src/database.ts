import { accessSync, constants, existsSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { invalid, PortolanError } from '@portolan/core';
import { isMoved, isUnopened, MovedError } from './errors.ts';
import { fileIdentity } from './file-identity.ts';
import type { Location } from './location.ts';
import { checkOwner, checkSchema, migrate } from './migrations.ts';

/** How long SQLite itself waits for a lock, blocking this process; longer waits are asynchronous. */
const BUSY_MS = 2;
/** The log's file is cut back to this after it had to grow further. */
export const LOG_BYTES = 64 * 1024 * 1024;
const CACHE_KIB = 16 * 1024;
/**
 * A commit behind so many pages of log moves them into the file, and waits for the disk. SQLite's own 1,000 held the event loop for 15 ms or more where commits are large;
 * half of that costs as much in sum, and holds it for two thirds as long (`pnpm bench sqlite-event-loop`).
 */
const CHECKPOINT_PAGES = 500;

/**
 * Opens the file, makes it if there is none, and brings its schema up to date. A file that is not Portolan's is left as it is. May be called again
 * after it threw because another process held the lock, or restored a backup in that moment.
 */
export function openDatabase({ path, synchronous }: Location): DatabaseSync {
  makeFolder(dirname(path));
  const before = fileIdentity(path);
  checkNames(path);
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    // Only a file without a table takes auto_vacuum, so it comes first. In any other it would wait for the lock.
    if (checkOwner(database) === 0) database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    const { journal_mode: mode } = database.prepare('PRAGMA journal_mode = WAL').get() ?? {};
    if (mode !== 'wal') {
      throw new PortolanError('UNAVAILABLE', 'SQLite: the file system cannot share a file between processes', {
        retryable: false,
      });
    }
    database.exec(
      `PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${LOG_BYTES};
       PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`,
    );
    migrate(database);
    if (before !== undefined && before !== fileIdentity(path)) throw new MovedError();
    return database;
  } catch (error) {
    database.close();
    throw isMoved(error) ? new MovedError() : error;
  }
}

/**
 * Opens a file to be looked at: it must be there and hold a store, and what it holds is not written to. It may lie where nobody can write. Beside a file without a
 * log SQLite would make one, for whoever looks; where that is somebody who may not write the file, its owner could not write the log, so there the file is read alone.
 */
export function openToRead(path: string, mayWrite = isWritable(path)): DatabaseSync {
  if (!existsSync(path)) throw invalid('backend URL: sqlite: there is no file of that name');
  checkNames(path);
  const logged = existsSync(`${path}-wal`);
  if (!mayWrite && !logged) return openAlone(path);
  try {
    return openReadOnly(path);
  } catch (error) {
    // SQLite would put the log's index beside it. Without a log, the file is all there is.
    if (!isUnopened(error) || (logged && statSync(`${path}-wal`).size > 0)) throw error;
    return openAlone(path);
  }
}

const openAlone = (path: string): DatabaseSync => openReadOnly(`${pathToFileURL(path)}?immutable=1`);

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function openReadOnly(name: string): DatabaseSync {
  const database = new DatabaseSync(name, { readOnly: true, timeout: BUSY_MS });
  try {
    checkSchema(database);
    database.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite keeps a log beside each name: who reads by another name misses what the log holds, and writers by two names would destroy the file. */
function checkNames(path: string): void {
  const found = lookAt(path);
  if (!found?.isFile() || found.nlink <= 1) return;
  throw new PortolanError(
    'CONFLICT',
    'SQLite: the file has more than one name (hard links): remove the others, or copy it',
    {
      retryable: false,
    },
  );
}

/** Undefined also where no look is possible: then SQLite says what is wrong. */
function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new PortolanError('UNAVAILABLE', 'SQLite: the folder of the file cannot be made', {
      cause: error,
      retryable: false,
    });
  }
}
