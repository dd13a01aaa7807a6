import { createRuntime, type Runtime } from '@portolan/core';

/** A runtime whose time stands still until `advance`. Sleepers wake in the order of their deadlines. */
export interface ManualRuntime extends Runtime {
  advance(ms: number): Promise<void>;
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Lets every promise and I/O callback that is ready run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createManualRuntime(start = Date.UTC(2026, 0, 1)): ManualRuntime {
  let now = start;
  let sleepers: Sleeper[] = [];
  const runtime = createRuntime({
    clock: { now: () => now },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { due: now + Math.max(ms, 0), wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener(
          'abort',
          () => {
            sleepers = sleepers.filter((one) => one !== sleeper);
            resolve();
          },
          { once: true },
        );
      }),
  });
  return {
    ...runtime,
    async advance(ms) {
      const end = now + ms;
      await settled();
      for (;;) {
        const next = sleepers.filter((one) => one.due <= end).sort((a, b) => a.due - b.due)[0];
        if (!next) break;
        sleepers = sleepers.filter((one) => one !== next);
        now = Math.max(now, next.due);
        next.wake();
        await settled();
      }
      now = end;
      await settled();
    },
  };
}
