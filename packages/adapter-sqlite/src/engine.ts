import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { PortolanError, type Runtime } from '@portolan/core';
import { classify, isBusy } from './errors.ts';
import type { Location } from './location.ts';
import { migrate } from './migrations.ts';

interface PendingWrite {
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** ms on the process's clock; past it the write fails with UNAVAILABLE instead of waiting on. */
  readonly deadline: number;
}

/** A transaction is committed, and the event loop given its turn, once it has worked for so long. */
const TURN_MS = 5;
/** How long SQLite itself waits for a lock, blocking this process; longer waits are asynchronous. */
const BUSY_MS = 2;
const RETRY_MS = { first: 1, most: 20 };

/**
 * One connection to one file. Reads run at once. Writes of a tick become one immediate transaction (group commit): each is a function that reads and
 * writes synchronously, so it is atomic and isolated. A function that throws takes nothing with it: the transaction is rolled back and the others run again,
 * which is why a write must have no effect but on the database and through `after`.
 */
export class Engine {
  readonly runtime: Runtime;
  readonly path: string;
  readonly #deadlineMs: number;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #pending: PendingWrite[] = [];
  #scheduled = false;
  #transaction = 0;
  #afterwards: (() => void)[] = [];
  #closed = false;

  constructor({ path, synchronous }: Location, runtime: Runtime, deadlineMs: number) {
    this.runtime = runtime;
    this.path = path;
    this.#deadlineMs = deadlineMs;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#database = new DatabaseSync(path, { timeout: deadlineMs });
      this.#database.exec(
        `PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA temp_store = MEMORY`,
      );
      migrate(this.#database);
      this.#database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    } catch (error) {
      throw classify(error);
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Within a write: the number of the transaction. One that is rolled back and tried again has another. */
  get transaction(): number {
    return this.#transaction;
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

  /**
   * Runs `work` now, outside of any transaction. In WAL mode a reader waits for nobody but a process that opens, closes or recovers the file; then
   * it is tried again until the deadline.
   */
  async read<T>(work: () => T): Promise<T> {
    const deadline = this.runtime.clock.now() + this.#deadlineMs;
    for (let pause = RETRY_MS.first; ; pause = Math.min(pause * 2, RETRY_MS.most)) {
      this.#open();
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || this.runtime.clock.now() >= deadline) throw classify(error);
      }
      await this.runtime.sleep(pause);
    }
  }

  /** Several reads that see one state of the file. */
  snapshot<T>(work: () => T): Promise<T> {
    return this.read(() => {
      this.#database.exec('BEGIN');
      try {
        return work();
      } finally {
        this.#database.exec('COMMIT');
      }
    });
  }

  /** Runs `work` in the next transaction; resolves with its answer once that is committed. */
  write<T>(work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise<T>((resolve, reject) => {
      const deadline = this.runtime.clock.now() + this.#deadlineMs;
      this.#pending.push({ work, resolve: resolve as (value: unknown) => void, reject, deadline });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => void this.#drain());
    });
  }

  /** Called within a write: runs `effect` once the transaction is committed, before its callers hear of it. */
  after(effect: () => void): void {
    this.#afterwards.push(effect);
  }

  /** The file's change counter, which moves with every commit of another connection. */
  dataVersion(): number {
    return Number(this.sql('PRAGMA data_version').get()?.data_version ?? 0);
  }

  /** Copies the whole file, consistently and while it is used, to a new file. */
  vacuumInto(path: string): void {
    this.#open();
    this.#database.prepare('VACUUM INTO ?').run(path);
  }

  /** Returns at most `pages` free pages to the file system. */
  shrink(pages: number): void {
    this.#database.exec(`PRAGMA incremental_vacuum(${pages})`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reject } of this.#pending.splice(0)) reject(closedError());
    this.#statements.clear();
    this.#database.close();
  }

  #open(): void {
    if (this.#closed) throw closedError();
  }

  async #drain(): Promise<void> {
    let pause = RETRY_MS.first;
    while (this.#pending.length > 0 && !this.#closed) {
      if (this.#begin()) {
        pause = RETRY_MS.first;
        this.#transact();
        // The event loop's turn: I/O, timers, and whatever further writes they bring.
        await new Promise((resolve) => setImmediate(resolve));
      } else {
        this.#expire();
        await this.runtime.sleep(pause * (0.5 + Math.random()));
        pause = Math.min(pause * 2, RETRY_MS.most);
      }
    }
    this.#scheduled = false;
  }

  /** False when another process holds the lock. Any other trouble is told to all who wait. */
  #begin(): boolean {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      this.#transaction++;
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      const failure = classify(error);
      for (const { reject } of this.#pending.splice(0)) reject(failure);
      return false;
    }
  }

  #expire(): void {
    const now = this.runtime.clock.now();
    const late = this.#pending.filter((one) => one.deadline <= now);
    if (late.length === 0) return;
    this.#pending = this.#pending.filter((one) => one.deadline > now);
    for (const { reject } of late) {
      reject(new PortolanError('UNAVAILABLE', 'SQLite: other processes hold the file'));
    }
  }

  /** Inside a transaction: as many pending writes as fit into a turn, then the commit. */
  #transact(): void {
    const started = performance.now();
    const done: { readonly write: PendingWrite; readonly answer: unknown }[] = [];
    this.#afterwards = [];
    let current: PendingWrite | undefined;
    try {
      for (current = this.#pending.shift(); current; current = this.#pending.shift()) {
        done.push({ write: current, answer: current.work() });
        if (performance.now() - started >= TURN_MS) break;
      }
      current = undefined;
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const writes = done.map((one) => one.write);
      if (current) {
        current.reject(classify(error));
        this.#pending.unshift(...writes);
      } else {
        for (const { reject } of writes) reject(classify(error));
      }
      return;
    }
    for (const effect of this.#afterwards.splice(0)) effect();
    for (const { write, answer } of done) write.resolve(answer);
  }
}

function closedError(): PortolanError {
  return new PortolanError('UNAVAILABLE', 'the backend is closed', { retryable: false });
}
