import { describe, expect, it, vi } from 'vitest';
import { createRuntime, silentLogger, timeOrderedId } from '../src/runtime.ts';

describe('runtime', () => {
  it('parts that are named replace the real ones, and ids follow the clock', () => {
    let now = 1_000;
    const runtime = createRuntime({ clock: { now: () => now } });
    const first = runtime.id();
    now = 2_000;
    const second = runtime.id();
    expect(first < second).toBe(true);
    expect(Number.parseInt(first.slice(0, 12), 16)).toBe(1_000);
    expect(runtime.logger).toBe(silentLogger);
    expect(createRuntime({ id: () => 'mine' }).id()).toBe('mine');
  });

  it('ids are 32 hexadecimal digits, sort by time and do not repeat', () => {
    const times = [0, 1, 255, 256, 1_700_000_000_000, 4_000_000_000_000];
    const ids = times.map((time) => timeOrderedId(time));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(Array.from({ length: 1_000 }, () => timeOrderedId(7))).size).toBe(1_000);
  });

  it('sleeps, and wakes at once when aborted before or meanwhile, leaving nothing behind', async () => {
    vi.useFakeTimers();
    try {
      const { sleep } = createRuntime();
      const woken: string[] = [];
      const abort = new AbortController();
      void sleep(100).then(() => woken.push('slept'));
      void sleep(1_000, abort.signal).then(() => woken.push('aborted'));
      await vi.advanceTimersByTimeAsync(99);
      expect(woken).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(woken).toEqual(['slept']);
      abort.abort();
      await vi.advanceTimersByTimeAsync(0);
      expect(woken).toEqual(['slept', 'aborted']);
      expect(vi.getTimerCount()).toBe(0);
      await sleep(1_000, AbortSignal.abort());
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('a sleep longer than a timer holds does not end at once', async () => {
    vi.useFakeTimers();
    try {
      let woken = false;
      void createRuntime()
        .sleep(2 ** 40)
        .then(() => {
          woken = true;
        });
      await vi.advanceTimersByTimeAsync(1_000_000);
      expect(woken).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });
});
