import { type Backend, createRuntime, type Runtime } from '@portolan/core';
import { createManualRuntime, settled } from './manual-clock.ts';

/** What an adapter's author writes to run the conformance suite: about twenty lines. */
export interface Harness {
  /** Shown in test names: `memory`, `redis`. */
  readonly name: string;
  /**
   * Opens a backend. Two opens with one namespace are two processes on one store. The suite closes what it opened and uses a
   * namespace of its own for every test.
   */
  open(options: { readonly namespace: string; readonly runtime: Runtime }): Promise<Backend>;
  /** `manual`: the store takes its time from the runtime it was opened with. `real`: the store has a clock of its own. */
  readonly time: 'manual' | 'real';
  /** False for a store that offers no `transfer`: its suite is left out. */
  readonly transfer?: false;
  /** Other stores with the same kind of time, to move everything to and back. */
  readonly others?: readonly Pick<Harness, 'name' | 'open'>[];
  /** Cases that this adapter cannot pass, by their full name, with the reason; the run prints them. */
  readonly skip?: readonly { readonly case: string; readonly reason: string }[];
}

/** One test's view of the harness. */
export interface Kit {
  readonly namespace: string;
  readonly runtime: Runtime;
  /** A further process on the same store and namespace. */
  open(): Promise<Backend>;
  /** Lets `ms` pass, for the store and for core. Keep it small: on a real store it is really waited for. */
  pass(ms: number): Promise<void>;
  /**
   * Waits until `check` answers something other than undefined and false, and answers that. Throws with `what` after `withinMs`.
   * Under manual time the clock moves in small steps meanwhile.
   */
  eventually<T>(
    what: string,
    check: () => Promise<T | undefined | false> | T | undefined | false,
    withinMs?: number,
  ): Promise<T>;
  close(): Promise<void>;
}

export async function createKit(harness: Harness): Promise<Kit> {
  const manual = harness.time === 'manual' ? createManualRuntime() : undefined;
  const runtime = manual ?? createRuntime();
  const namespace = `test-${createRuntime().id()}`;
  const opened: Backend[] = [];
  const pass = (ms: number) => (manual ? manual.advance(ms) : runtime.sleep(ms));
  return {
    namespace,
    runtime,
    async open() {
      const backend = await harness.open({ namespace, runtime });
      opened.push(backend);
      return backend;
    },
    pass,
    async eventually(what, check, withinMs = 10_000) {
      const step = 5;
      const started = Date.now();
      for (let waited = 0; ; waited += step) {
        const found = await check();
        if (found !== undefined && found !== false) return found;
        const over = manual ? waited >= withinMs : Date.now() - started >= withinMs;
        if (over) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
        await settled();
        await pass(step);
      }
    },
    async close() {
      await Promise.all(opened.map((backend) => backend.close()));
    },
  };
}
