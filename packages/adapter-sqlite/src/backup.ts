import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { promises as streams } from 'node:stream';
import { invalid, PortolanError } from '@portolan/core';
import { findFault } from './copy-fault.ts';
import { openToRead } from './database.ts';
import { classify, isBusy, isUnopened, isUnreadable } from './errors.ts';
import { realPath } from './location.ts';
import { checkOwner } from './migrations.ts';

/** All pages in one step: a snapshot that no writer makes begin anew. */
const EVERY_PAGE = 2 ** 31 - 1;
/** What SQLite keeps beside a file. */
const COMPANIONS = ['-wal', '-shm', '-journal'];
/** Those of them that are there while a process has the file open. */
const TRACES = ['-wal', '-shm'];
/** What a system answers that does not do such a thing, or not for this user. */
const UNPERMITTED: ReadonlySet<unknown> = new Set(['EPERM', 'EACCES', 'EINVAL', 'EISDIR', 'ENOSYS', 'ENOTSUP']);

/** Who may use a file. The owner is kept where this process may set it. */
interface Rights {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Of what is not finished, and of a store where there was none: it holds what may be nobody else's business. */
const OWNER_ONLY = 0o600;

/**
 * Writes the file of `path`, as of one moment, to a new `file` of the same mode. Threads of their own do it and look whether the copy is whole, so neither this
 * process nor writers wait. Throws UNAVAILABLE for a store that is damaged.
 */
export async function backupFile(path: string, file: string): Promise<void> {
  checkName('backup', file);
  if (existsSync(file)) throw invalid(`backup: there is a file ${file} already`);
  const unfinished = `${file}.unfinished`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    rmSync(unfinished, { force: true });
    const source = openToRead(path);
    try {
      create(unfinished, file);
      await backup(source, unfinished, { rate: EVERY_PAGE }).catch((error) => {
        if (isUnopened(error)) throw unwritable(file, error);
        throw error;
      });
    } finally {
      source.close();
    }
    const fault = await findFault(unfinished, 'backup: the store');
    if (fault) throw new PortolanError('UNAVAILABLE', `${fault}: no backup was made`, { retryable: false });
    putInPlace(unfinished, file, { mode: statSync(path).mode });
  } catch (error) {
    tidy(unfinished);
    throw fileError(error, 'backup');
  }
}

/**
 * Puts a copy of `file` in the place of `path`, which no process may have open. It has the mode and owner of what was there. Throws INVALID for what is no
 * whole Portolan file of this or an earlier schema, CONFLICT when the store is in use.
 */
export async function restoreFile(path: string, file: string): Promise<void> {
  checkName('restore', file);
  if (!existsSync(file)) throw invalid(`restore: there is no file ${file}`);
  if ((statSync(`${realPath(resolve(file))}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw invalid(`restore: ${file} is a file in use, not a backup: it has a log beside it`);
  }
  const unfinished = `${path}.restoring`;
  let held: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    remove(unfinished);
    await streams.pipeline(createReadStream(file), createWriteStream(unfinished, { flags: 'wx', mode: OWNER_ONLY }));
    const fault = await findFault(unfinished, `restore: ${file}`);
    if (fault) throw invalid(fault);
    held = holdAlone(path);
    // Beside a file that cannot be read there may be what would be taken for the new one's.
    if (!held) for (const end of COMPANIONS) rmSync(path + end, { force: true });
    putInPlace(unfinished, path, statSync(path, { throwIfNoEntry: false }) ?? { mode: OWNER_ONLY });
  } catch (error) {
    tidy(unfinished);
    throw fileError(error, 'restore');
  } finally {
    held?.close();
  }
}

function checkName(what: string, file: string): void {
  if (file === '' || file.includes('\0')) throw invalid(`${what}: needs the name of a file`);
}

/**
 * Locks the file of `path` for this process alone: leaving WAL mode succeeds only while nobody else has it open, and then its log is gone too. Undefined when there
 * is none, or one that cannot be read. Throws CONFLICT when it is or may be open elsewhere, INVALID when it is of another application or a newer program.
 */
function holdAlone(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) return undefined;
  // SQLite would remove the log of an empty file, which may be all that is left of one that was cut off in use.
  if (statSync(path).size === 0) refuseTraces(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    checkOwner(database);
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (isUnreadable(error)) {
      refuseTraces(path);
      return undefined;
    }
    if (!isBusy(error)) throw error;
    throw new PortolanError('CONFLICT', 'restore: the store is in use: stop the processes that have it open first');
  }
}

/** What cannot be read cannot be locked either. What a process keeps beside a file that it has open then is the only sign of one. */
function refuseTraces(path: string): void {
  const traces = TRACES.map((end) => path + end).filter((name) => existsSync(name));
  if (traces.length === 0) return;
  throw new PortolanError(
    'CONFLICT',
    `restore: the store is damaged, and may be in use: stop the processes that have it open, remove ${traces.join(' and ')} and restore again`,
  );
}

/** What is on the disk under the name is the old file or the whole new one; once this returns, the new one, even after a power cut. */
function putInPlace(unfinished: string, path: string, { mode, uid, gid }: Rights): void {
  const descriptor = openSync(unfinished, 'r+');
  try {
    if (uid !== undefined && gid !== undefined) giveTo(descriptor, uid, gid);
    fchmodSync(descriptor, mode & 0o777);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(unfinished, path);
  syncFolder(dirname(path));
}

function giveTo(descriptor: number, uid: number, gid: number): void {
  try {
    fchownSync(descriptor, uid, gid);
  } catch (error) {
    if (!UNPERMITTED.has(codeOf(error))) throw error;
  }
}

/** The new name is on the disk once its folder is; where folders cannot be opened or forced, that is the file system's affair. */
function syncFolder(folder: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(folder, 'r');
    fsyncSync(descriptor);
  } catch (error) {
    if (!UNPERMITTED.has(codeOf(error))) throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** An empty file that only its owner may read; SQLite would make one by the umask. */
function create(unfinished: string, file: string): void {
  try {
    closeSync(openSync(unfinished, 'wx', OWNER_ONLY));
  } catch (error) {
    throw unwritable(file, error);
  }
}

function remove(file: string): void {
  for (const end of ['', ...COMPANIONS]) rmSync(file + end, { force: true });
}

const unwritable = (file: string, cause: unknown): PortolanError =>
  new PortolanError('UNAVAILABLE', `backup: ${file} cannot be written`, { cause, retryable: false });

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** After an error, which is what the caller should hear of. */
function tidy(file: string): void {
  try {
    remove(file);
  } catch {}
}

/** Trouble of the file system in words that a person can act on; they name what he named himself. */
function fileError(error: unknown, what: string): PortolanError {
  const code = codeOf(error);
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code) && !PortolanError.is(error)) {
    return new PortolanError('UNAVAILABLE', `${what}: the file cannot be written or read (${code})`, {
      cause: error,
      retryable: false,
    });
  }
  return classify(error);
}
