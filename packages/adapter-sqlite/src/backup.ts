import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { invalid, PortolanError } from '@portolan/core';
import { openToRead } from './database.ts';
import { classify, isBusy, isUnopened, isUnreadable } from './errors.ts';
import { checkOwner } from './migrations.ts';

/** All pages in one step: a snapshot that no writer makes begin anew. */
const EVERY_PAGE = 2 ** 31 - 1;
/** What SQLite keeps beside a file. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

/** Writes the file of `path`, as of one moment, to a new `file`. A thread of its own does it, so neither this process nor writers wait. */
export async function backupFile(path: string, file: string): Promise<void> {
  if (existsSync(file)) throw invalid(`backup: there is a file ${file} already`);
  const unfinished = `${file}.unfinished`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    rmSync(unfinished, { force: true });
    const source = openToRead(path);
    try {
      await backup(source, unfinished, { rate: EVERY_PAGE }).catch((error) => {
        if (isUnopened(error)) throw unwritable(file, error);
        throw error;
      });
    } finally {
      source.close();
    }
    // The copy needs no log of its own to be whole: one file that can be moved anywhere.
    const copy = new DatabaseSync(unfinished);
    copy.exec('PRAGMA journal_mode = DELETE');
    copy.close();
    putInPlace(unfinished, file);
  } catch (error) {
    tidy(unfinished);
    throw fileError(error, 'backup');
  }
}

/** Puts a copy of `file` in the place of `path`, which no process may have open. */
export function restoreFile(path: string, file: string): void {
  if (!existsSync(file)) throw invalid(`restore: there is no file ${file}`);
  if (existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0) {
    throw invalid(`restore: ${file} is a file in use, not a backup: it has a log beside it`);
  }
  const unfinished = `${path}.restoring`;
  let held: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    remove(unfinished);
    copyFileSync(file, unfinished, constants.COPYFILE_FICLONE);
    checkCopy(unfinished, file);
    held = holdAlone(path);
    // Beside a file that cannot be read there may be a log, which would be taken for the new one's.
    if (!held) for (const end of COMPANIONS) rmSync(path + end, { force: true });
    putInPlace(unfinished, path);
  } catch (error) {
    tidy(unfinished);
    throw fileError(error, 'restore');
  } finally {
    held?.close();
  }
}

/** Throws INVALID for what is no whole Portolan file of this or an earlier schema. */
function checkCopy(copy: string, file: string): void {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(copy);
    if (checkOwner(database) === 0) throw invalid(`restore: ${file} is no backup: it is empty`);
    const found = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
    if (found !== 'ok') throw invalid(`restore: ${file} is damaged`);
    database.exec('PRAGMA journal_mode = DELETE');
  } catch (error) {
    if (isUnreadable(error)) throw invalid(`restore: ${file} is damaged, or no SQLite file`);
    throw error;
  } finally {
    database?.close();
  }
}

/**
 * Locks the file of `path` for this process alone: leaving WAL mode succeeds only while nobody else has it open, and then its log is gone too. Undefined when there
 * is none, or one that cannot be read. Throws CONFLICT when it is open elsewhere, INVALID when it is of another application or a newer program.
 */
function holdAlone(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) return undefined;
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    checkOwner(database);
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (isUnreadable(error)) return undefined;
    if (!isBusy(error)) throw error;
    throw new PortolanError('CONFLICT', 'restore: the store is in use: stop the processes that have it open first');
  }
}

/** What is on the disk under the name is the old file or the whole new one. */
function putInPlace(unfinished: string, path: string): void {
  const descriptor = openSync(unfinished, 'r+');
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(unfinished, path);
}

function remove(file: string): void {
  for (const end of ['', ...COMPANIONS]) rmSync(file + end, { force: true });
}

const unwritable = (file: string, cause: unknown): PortolanError =>
  new PortolanError('UNAVAILABLE', `backup: ${file} cannot be written`, { cause, retryable: false });

/** After an error, which is what the caller should hear of. */
function tidy(file: string): void {
  try {
    remove(file);
  } catch {}
}

/** Trouble of the file system in words that a person can act on; they name what he named himself. */
function fileError(error: unknown, what: string): PortolanError {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code) && !PortolanError.is(error)) {
    return new PortolanError('UNAVAILABLE', `${what}: the file cannot be written or read (${code})`, {
      cause: error,
      retryable: false,
    });
  }
  return classify(error);
}
