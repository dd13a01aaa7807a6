import type { Runtime } from '../runtime.ts';

/** One whose time is limited: a run. */
export interface Limited {
  /** When its time began: ms on this process's clock. */
  readonly begunAt: number;
  /** Called once, when it has taken as long as it may, unless it was removed before. */
  expire(): void;
}

/**
 * The time limits of many short runs. Those with one limit expire in the order in which they began, so one sleep per limit serves them all: a run costs an
 * entry in a set, not a timer.
 */
export class TimeLimits {
  readonly #runtime: Runtime;
  readonly #stopped = new AbortController();
  /** By limit in ms, in the order in which they began. */
  readonly #lines = new Map<number, Set<Limited>>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  add(ms: number, limited: Limited): void {
    const line = this.#lines.get(ms);
    if (line) {
      line.add(limited);
      return;
    }
    const made = new Set([limited]);
    this.#lines.set(ms, made);
    void this.#watch(ms, made);
  }

  remove(ms: number, limited: Limited): void {
    this.#lines.get(ms)?.delete(limited);
  }

  /** Ends the sleeps; nothing expires any more. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Until a look finds the line empty. The first is asked for anew each time: an iterator kept would keep all that the set ever held. */
  async #watch(ms: number, line: Set<Limited>): Promise<void> {
    const runtime = this.#runtime;
    for (let first = firstOf(line); first; first = firstOf(line)) {
      const left = first.begunAt + ms - runtime.clock.now();
      if (left > 0) await runtime.sleep(left, this.#stopped.signal);
      else if (line.delete(first)) first.expire();
      if (this.#stopped.signal.aborted) return;
    }
    this.#lines.delete(ms);
  }
}

function firstOf(line: ReadonlySet<Limited>): Limited | undefined {
  return line.values().next().value;
}
