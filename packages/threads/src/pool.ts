import { PortolanError } from '@portolan/core';
import type { Thread } from './thread.ts';

/** A thread without work is ended after so long. */
const IDLE_MS = 30_000;

type Given = (thread: Thread) => void;

/** The threads of one handler: started when they are needed, each lent to one run at a time, runs served in the order in which they came. */
export class ThreadPool {
  readonly #start: () => Thread;
  readonly #size: number;
  readonly #threads = new Set<Thread>();
  /** The one used last comes last, so that those too many fall idle. */
  readonly #idle = new Map<Thread, NodeJS.Timeout>();
  readonly #line = new Set<Given>();
  #closed = false;

  constructor(size: number, start: () => Thread) {
    this.#size = size;
    this.#start = start;
  }

  /** Lends a thread, in turn; give it back. Throws the signal's reason once it aborts. */
  take(signal: AbortSignal): Promise<Thread> {
    if (this.#closed) return Promise.reject(new PortolanError('UNAVAILABLE', 'the threads of the handler are closed'));
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const given: Given = (thread) => {
        signal.removeEventListener('abort', leave);
        resolve(thread);
      };
      const leave = (): void => {
        this.#line.delete(given);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#line.add(given);
      this.#serve();
    });
  }

  giveBack(thread: Thread): void {
    if (!thread.usable) return;
    const idle = setTimeout(() => void this.#end(thread), IDLE_MS);
    this.#idle.set(thread, idle.unref());
    this.#serve();
  }

  /** Ends every thread; runs under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads].map((thread) => this.#end(thread)));
  }

  #serve(): void {
    for (const given of this.#line) {
      const thread = this.#free();
      if (!thread) return;
      this.#line.delete(given);
      given(thread);
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
