import { existsSync, mkdirSync, statSync } from 'node:fs';
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
 * Opens the file, makes it if there is none, and brings its schema up to date. A file that is not Portolan's is left as it is. May be called again
 * after it threw because another process held the lock, or restored a backup in that moment.
 */
export function openDatabase({ path, synchronous }: Location): DatabaseSync {
  makeFolder(dirname(path));
  const before = fileIdentity(path);
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
      `PRAGMA synchronous = ${synchronous}; PRAGMA journal_size_limit = ${LOG_BYTES};
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

/** Opens a file to be looked at: it must be there and hold a store, and is not written to, not even its log. It may lie where nobody can write. */
export function openToRead(path: string): DatabaseSync {
  if (!existsSync(path)) throw invalid('backend URL: sqlite: there is no file of that name');
  try {
    return openReadOnly(path);
  } catch (error) {
    // SQLite would put the log's index beside it. Without a log, the file is all there is.
    if (!isUnopened(error) || (existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0)) throw error;
    return openReadOnly(`${pathToFileURL(path)}?immutable=1`);
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
