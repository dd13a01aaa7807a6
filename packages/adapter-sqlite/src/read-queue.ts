import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { PortolanError } from '@portolan/core';
import { classify, isBusy, lockedError } from './errors.ts';
import { OneCaller } from './one-caller.ts';
import { pauses } from './patience.ts';
import { rollBack } from './roll-back.ts';
import { SOON } from './soon.ts';

interface PendingRead {
  readonly work: () => unknown;
  /** Its statements must see one state of the file. */
  readonly whole: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** ms of `performance.now`; past it the read fails with UNAVAILABLE instead of waiting on for the lock. */
  readonly deadline: number;
}

/** Reads that go on for so long give the event loop its turn. */
const TURN_MS = 2;

/**
 * Reads called together run in one transaction, a promise callback later: entering and leaving SQLite's lock costs more than finding a row does (measured: 4 µs a
 * row alone, 2 µs in a transaction). In WAL mode a reader does not wait for a writer, only (rarely) for a process that opens, closes or recovers the file: then all
 * wait together, without blocking the event loop.
 */
export class ReadQueue {
  readonly #database: DatabaseSync;
  readonly #deadlineMs: number;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #run = () => this.#flush();
  readonly #endTurn = () => {
    this.#turnEnds = undefined;
  };
  readonly #retry = () => {
    this.#expire();
    this.#flush();
  };
  readonly #caller = new OneCaller();
  #pause: (() => Promise<void>) | undefined;
  #pending: PendingRead[] = [];
  /** ms of `performance.now`; undefined at the first read of a turn of the event loop. */
  #turnEnds: number | undefined;
  #ended: (() => PortolanError) | undefined;

  constructor(database: DatabaseSync, deadlineMs: number) {
    this.#database = database;
    this.#deadlineMs = deadlineMs;
    this.#begin = database.prepare('BEGIN');
    this.#commit = database.prepare('COMMIT');
  }

  add<T>(work: () => T, whole: boolean): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended());
    if (!whole && this.#pending.length === 0 && this.#caller.serves() && this.#hasTime(performance.now())) {
      try {
        return Promise.resolve(work());
      } catch {
        // Told, or tried again, as any other.
      }
    }
    return new Promise<T>((resolve, reject) => {
      const deadline = performance.now() + this.#deadlineMs;
      this.#pending.push({ work, whole, resolve: resolve as (value: unknown) => void, reject, deadline });
      if (this.#pending.length === 1) this.#schedule();
    });
  }

  /** From now on every call fails with such an error. */
  end(reason: () => PortolanError): void {
    this.#ended = reason;
    for (const { reject } of this.#pending.splice(0)) reject(reason());
  }

  #schedule(): void {
    if (this.#hasTime(performance.now())) void SOON.then(this.#run);
    else setImmediate(this.#run);
  }

  #hasTime(now: number): boolean {
    if (this.#turnEnds === undefined) {
      this.#turnEnds = now + TURN_MS;
      setImmediate(this.#endTurn);
    }
    return now < this.#turnEnds;
  }

  #flush(): void {
    const [first] = this.#pending;
    if (!first) return;
    this.#caller.together(this.#pending.length);
    const { taken, busy } = this.#answer(this.#pending.length > 1 || first.whole);
    this.#pending = this.#pending.slice(taken);
    if (busy) {
      this.#pause ??= pauses();
      void this.#pause().then(this.#retry);
      return;
    }
    this.#pause = undefined;
    if (this.#pending.length > 0) this.#schedule();
  }

  /** Answers as many reads as fit into a turn, up to one that meets another process's lock. Some errors end the transaction: the reads behind get another. */
  #answer(together: boolean): { readonly taken: number; readonly busy: boolean } {
    const until = performance.now() + TURN_MS;
    let taken = 0;
    try {
      if (together) this.#begin.run();
      for (const { work, resolve, reject } of this.#pending) {
        try {
          resolve(work());
        } catch (error) {
          if (isBusy(error)) return { taken, busy: true };
          reject(classify(error));
        }
        taken++;
        if (performance.now() >= until || (together && !this.#database.isTransaction)) break;
      }
    } catch (error) {
      // Nothing could begin.
      for (const { reject } of this.#pending) reject(classify(error));
      taken = this.#pending.length;
    } finally {
      this.#end();
    }
    return { taken, busy: false };
  }

  /** What was read is answered, however the transaction ends. */
  #end(): void {
    if (!this.#database.isTransaction) return;
    try {
      this.#commit.run();
    } catch {
      rollBack(this.#database);
    }
  }

  #expire(): void {
    const now = performance.now();
    const late = this.#pending.filter((one) => one.deadline <= now);
    this.#pending = this.#pending.filter((one) => one.deadline > now);
    for (const { reject } of late) reject(lockedError());
  }
}
