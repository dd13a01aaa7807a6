import { PortolanError } from '@portolan/core';
import type { Thread } from './thread.ts';

/** A thread without work is ended after so long. */
const IDLE_MS = 30_000;

/** One who waits for a thread. */
interface Waiting {
  give(thread: Thread): void;
  refuse(reason: unknown): void;
}

const closed = (): PortolanError => new PortolanError('UNAVAILABLE', 'the threads of the handler are closed');

/** The threads of one handler: started when they are needed, each lent to one run at a time, runs served in the order in which they came. */
export class ThreadPool {
  readonly #start: () => Thread;
  readonly #size: number;
  readonly #threads = new Set<Thread>();
  /** The one used last comes last, so that those too many fall idle. */
  readonly #idle = new Map<Thread, NodeJS.Timeout>();
  readonly #line = new Set<Waiting>();
  #closed = false;

  constructor(size: number, start: () => Thread) {
    this.#size = size;
    this.#start = start;
  }

  /** Lends a thread, in turn; give it back. Throws the signal's reason once it aborts. */
  take(signal: AbortSignal): Promise<Thread> {
    if (this.#closed) return Promise.reject(closed());
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#line.delete(waiting);
        signal.removeEventListener('abort', abort);
      };
      const waiting: Waiting = {
        give(thread) {
          leave();
          resolve(thread);
        },
        refuse(reason) {
          leave();
          reject(reason);
        },
      };
      const abort = (): void => waiting.refuse(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.#line.add(waiting);
      this.#serve();
    });
  }

  giveBack(thread: Thread): void {
    if (!thread.usable) return;
    const idle = setTimeout(() => void this.#end(thread), IDLE_MS);
    this.#idle.set(thread, idle.unref());
    this.#serve();
  }

  /** Ends every thread; runs under way fail, and so do those that wait for a thread. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#line) waiting.refuse(closed());
    await Promise.all([...this.#threads].map((thread) => this.#end(thread)));
  }

  #serve(): void {
    for (const waiting of this.#line) {
      const thread = this.#free();
      if (!thread) return;
      waiting.give(thread);
    }
  }

  #free(): Thread | undefined {
    const last = [...this.#idle].at(-1);
    if (last) {
      this.#idle.delete(last[0]);
      clearTimeout(last[1]);
      return last[0];
    }
    return this.#threads.size < this.#size ? this.#add() : undefined;
  }

  #add(): Thread {
    const thread = this.#start();
    this.#threads.add(thread);
    void thread.ended.then(() => {
      this.#forget(thread);
      this.#serve();
    });
    return thread;
  }

  #forget(thread: Thread): void {
    this.#threads.delete(thread);
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
  }

  async #end(thread: Thread): Promise<void> {
    // No one is given it any more; it counts until it is gone.
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
    await thread.terminate('its handler was closed');
  }
}
