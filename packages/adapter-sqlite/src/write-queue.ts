import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger, PortolanError } from '@portolan/core';
import { classify, isBusy, lockedError } from './errors.ts';
import { OneCaller } from './one-caller.ts';
import { pauses } from './patience.ts';
import { rollBack } from './roll-back.ts';
import { SOON } from './soon.ts';

interface PendingWrite {
  readonly work: () => unknown;
  readonly alone: (() => unknown) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** ms of `performance.now`; past it the write fails with UNAVAILABLE instead of waiting on for the lock. */
  readonly deadline: number;
  answer: unknown;
  failure: PortolanError | undefined;
}

/** A transaction is committed, and the event loop given its turn, once it has worked for so long. */
const TURN_MS = 2;

/**
 * Group commit: the writes of a tick become one immediate transaction. One that throws takes nothing with it: the transaction is rolled back, and all run
 * again, each guarded by a savepoint this time, so that a batch costs twice its work at most, however many throw. So a write is refused only for what was committed:
 * what the others before it in the batch did is rolled back with the first attempt.
 */
export class WriteQueue {
  readonly #database: DatabaseSync;
  readonly #deadlineMs: number;
  readonly #logger: Logger;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #go = () => this.#drain();
  /** The queue of promise callbacks is empty before what `nextTick` is given by one of them runs. */
  readonly #settled = () => process.nextTick(this.#go);
  readonly #newTurn = () => {
    this.#turnEnds = performance.now() + TURN_MS;
    this.#drain();
  };
  readonly #retry = () => {
    this.#expire();
    this.#newTurn();
  };
  #pause: (() => Promise<void>) | undefined;
  #turnEnds = 0;
  readonly #caller = new OneCaller();
  #pending: PendingWrite[] = [];
  #draining = false;
  #guarding = false;
  #transaction = 0;
  #effects: (() => void)[] = [];
  #ended: (() => PortolanError) | undefined;

  constructor(database: DatabaseSync, deadlineMs: number, logger: Logger) {
    this.#database = database;
    this.#deadlineMs = deadlineMs;
    this.#logger = logger;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
  }

  /** The number of the transaction. One that is rolled back, wholly or to a savepoint, goes on under another. */
  get transaction(): number {
    return this.#transaction;
  }

  add<T>(work: () => T, alone?: () => T | undefined): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended());
    if (
      alone &&
      this.#draining &&
      this.#pending.length === 0 &&
      this.#caller.serves() &&
      performance.now() < this.#turnEnds
    ) {
      const answer = attempt(alone);
      if (answer !== undefined) return Promise.resolve(answer);
    }
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({
        work,
        alone,
        resolve: resolve as (value: unknown) => void,
        reject,
        deadline: performance.now() + this.#deadlineMs,
        answer: undefined,
        failure: undefined,
      });
      if (this.#draining) return;
      this.#draining = true;
      setImmediate(this.#newTurn);
    });
  }

  /** Within a write: runs `effect` once it is committed, before its caller hears of it. */
  after(effect: () => void): void {
    this.#effects.push(effect);
  }

  /** From now on every call fails with such an error. */
  end(reason: () => PortolanError): void {
    this.#ended = reason;
    for (const { reject } of this.#pending.splice(0)) reject(reason());
  }

  /** Callers that go on by promises alone come with their next writes before the next transaction. */
  #drain(): void {
    if (this.#pending.length === 0) {
      this.#draining = false;
    } else if (!this.#transact()) {
      this.#pause ??= pauses();
      void this.#pause().then(this.#retry);
    } else {
      this.#pause = undefined;
      if (performance.now() < this.#turnEnds) void SOON.then(this.#settled);
      else setImmediate(this.#newTurn);
    }
  }

  /** One transaction of as many pending writes as fit into a turn. False, with all of them still pending, when another process holds the lock. */
  #transact(): boolean {
    const pending = this.#pending;
    this.#caller.together(pending.length);
    if (pending.length === 1 && this.#transactAlone(pending[0] as PendingWrite)) return true;
    let taken = 0;
    let running: PendingWrite | undefined;
    try {
      this.#begin.run();
      this.#transaction++;
      this.#effects = [];
      const until = performance.now() + TURN_MS;
      for (running of pending) {
        if (this.#guarding) this.#runGuarded(running);
        else running.answer = running.work();
        taken++;
        if (performance.now() >= until) break;
      }
      running = undefined;
      this.#commit.run();
    } catch (error) {
      rollBack(this.#database);
      for (const write of pending) write.failure = undefined;
      if (isBusy(error)) return false;
      const guarded = this.#guarding;
      this.#guarding = running !== undefined;
      if (running && taken > 0 && !guarded) return true;
      // The one that threw, which saw what is committed, or for which the store itself failed; when it was the commit, all that were in it; when nothing could begin, all.
      const failed = running ? pending.splice(taken, 1) : pending.splice(0, taken || pending.length);
      for (const { reject } of failed) reject(classify(error));
      return true;
    }
    this.#guarding = false;
    this.#pending = pending.slice(taken);
    for (const effect of this.#effects) this.#run(effect);
    for (let at = 0; at < taken; at++) {
      const { failure, answer, resolve, reject } = pending[at] as PendingWrite;
      if (failure) reject(failure);
      else resolve(answer);
    }
    return true;
  }

  #transactAlone({ alone, resolve }: PendingWrite): boolean {
    const answer = alone && attempt(alone);
    if (answer === undefined) return false;
    this.#pending = [];
    resolve(answer);
    return true;
  }

  #runGuarded(write: PendingWrite): void {
    const effects = this.#effects.length;
    this.#database.exec('SAVEPOINT guard');
    try {
      write.answer = write.work();
    } catch (error) {
      // Some errors (a full disk) end the whole transaction.
      if (!this.#database.isTransaction || isBusy(error)) throw error;
      this.#database.exec('ROLLBACK TO guard');
      this.#transaction++;
      this.#effects.length = effects;
      write.failure = classify(error);
    }
    this.#database.exec('RELEASE guard');
  }

  #run(effect: () => void): void {
    try {
      effect();
    } catch (error) {
      this.#logger.error({ err: error }, 'SQLite: an effect of a commit failed');
    }
  }

  #expire(): void {
    const now = performance.now();
    const late = this.#pending.filter((one) => one.deadline <= now);
    if (late.length === 0) return;
    this.#pending = this.#pending.filter((one) => one.deadline > now);
    for (const { reject } of late) reject(lockedError());
  }
}

/** One statement is a transaction of its own, at a sixth less than with BEGIN and COMMIT. Whatever goes wrong is left to such a transaction. */
function attempt<T>(alone: () => T | undefined): T | undefined {
  try {
    return alone();
  } catch {
    return undefined;
  }
}
