import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Runtime } from '@portolan/core';
import { LOG_BYTES, openDatabase, openToRead } from './database.ts';
import { closedError, lostError } from './errors.ts';
import { fileIdentity } from './file-identity.ts';
import type { Location } from './location.ts';
import { patiently, pauses } from './patience.ts';
import { ReadQueue } from './read-queue.ts';
import { WriteQueue } from './write-queue.ts';

/** Attempts to cut the log off, a few milliseconds apart. */
const TRIMS = 8;

/**
 * One connection to one file. Reads of a tick share a transaction where they can. Writes of a tick become one immediate transaction (group commit): each is a function that reads and
 * writes synchronously, so it is atomic and isolated. A function that throws takes nothing with it: the transaction is rolled back and the others run again,
 * which is why a write must have no effect but on the database and through `after`. While another process holds the lock, writes wait without blocking the event loop.
 */
export class Engine {
  readonly runtime: Runtime;
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #arrays = new Map<string, StatementSync>();
  readonly #reads: ReadQueue;
  readonly #writes: WriteQueue;
  readonly #identity: string | undefined;
  #closed = false;
  #lost = false;

  /** Tries once; throws SQLite's own error when another process holds the lock. `readOnly`: every write fails. */
  constructor(location: Location, runtime: Runtime, deadlineMs: number, readOnly = false) {
    this.path = location.path;
    this.runtime = runtime;
    this.#database = readOnly ? openToRead(location.path) : openDatabase(location);
    this.#identity = fileIdentity(location.path);
    this.#reads = new ReadQueue(this.#database, deadlineMs);
    this.#writes = new WriteQueue(this.#database, deadlineMs, runtime.logger);
  }

  static open(location: Location, runtime: Runtime, deadlineMs: number, readOnly = false): Promise<Engine> {
    return patiently(deadlineMs, () => new Engine(location, runtime, deadlineMs, readOnly));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Within a write: the number of the transaction. One that is rolled back and tried again has another. */
  get transaction(): number {
    return this.#writes.transaction;
  }

  /** A prepared statement, kept for the life of the connection. The text must come from a bounded set. */
  sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** Like `sql`; its rows are arrays, which cost a third less than objects. */
  arrays(text: string): StatementSync {
    let statement = this.#arrays.get(text);
    if (!statement) {
      statement = this.#database.prepare(text);
      statement.setReturnArrays(true);
      this.#arrays.set(text, statement);
    }
    return statement;
  }

  /** Runs `work`, which only reads, a moment later. Never waits for a writer. */
  read<T>(work: () => T): Promise<T> {
    return this.#reads.add(work, false);
  }

  /** Several reads that see one state of the file. */
  snapshot<T>(work: () => T): Promise<T> {
    return this.#reads.add(work, true);
  }

  /**
   * Runs `work` in the next transaction; resolves with its answer once that is committed. `alone`, if given, does the same by one statement, or answers undefined and
   * has changed nothing: it is tried when nobody else comes with a write.
   */
  write<T>(work: () => T, alone?: () => T | undefined): Promise<T> {
    return this.#writes.add(work, alone);
  }

  /** Called within a write: runs `effect` once the transaction is committed, before its callers hear of it. */
  after(effect: () => void): void {
    this.#writes.after(effect);
  }

  /** The file's change counter, which moves with every commit of another connection. */
  dataVersion(): number {
    return Number(this.sql('PRAGMA data_version').get()?.data_version ?? 0);
  }

  /** Within a write: returns at most `pages` free pages to the file system. */
  shrink(pages: number): void {
    this.#database.exec(`PRAGMA incremental_vacuum(${pages})`);
  }

  /**
   * Makes sure that the file still has its name; some microseconds. SQLite would go on with one that was removed, and all it took would be gone with the last
   * process. Once it is lost, every call throws UNAVAILABLE.
   */
  checkFile(): void {
    if (this.#closed) throw closedError();
    if (!this.#lost && fileIdentity(this.path) !== this.#identity) {
      this.#lost = true;
      this.runtime.logger.error({ path: this.path }, 'SQLite: the file was removed or replaced while it was open');
      this.#reads.end(lostError);
      this.#writes.end(lostError);
    }
    if (this.#lost) throw lostError();
  }

  freePages(): number {
    return Number(this.sql('PRAGMA freelist_count').get()?.freelist_count ?? 0);
  }

  /** Moves what it can of the log into the file. Waits for nobody. */
  checkpoint(): void {
    this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)');
  }

  /**
   * Cuts the log off when it is larger than `bytes`: writers that never pause leave no moment in which it could begin anew. Most of it moves into the file while
   * others write; for the rest this process holds them off, some milliseconds. Answers whether the log is small now: readers may keep it.
   */
  async trimLog(bytes = LOG_BYTES): Promise<boolean> {
    const size = () => statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    const pause = pauses();
    for (let tried = 0; size() > bytes; tried++) {
      if (this.#closed || tried === TRIMS) return false;
      if (tried > 0) await pause();
      this.checkpoint();
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    }
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reads.end(closedError);
    this.#writes.end(closedError);
    this.#statements.clear();
    this.#arrays.clear();
    this.#database.close();
  }
}
