import { describe, expect, it, vi } from 'vitest';
import { createRuntime, silentLogger } from '../src/runtime.ts';

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

  it('ids are 32 hexadecimal digits that begin with the time', () => {
    for (const now of [0, 1, 255, 256, 1_700_000_000_000, 4_000_000_000_000]) {
      const id = createRuntime({ clock: { now: () => now } }).id();
      expect(id).toMatch(/^[0-9a-f]{32}$/);
      expect(Number.parseInt(id.slice(0, 12), 16)).toBe(now);
    }
  });

  it('each id sorts after the one before: within a millisecond, past its last number, and when the clock goes back', () => {
    const runtime = createRuntime({ clock: { now: () => now } });
    let now = 1_000;
    let last = '';
    const take = (count: number) => {
      for (let taken = 0; taken < count; taken++) {
        const id = runtime.id();
        if (id <= last) throw new Error(`${id} does not sort behind ${last}`);
        last = id;
      }
    };
    take(70_000);
    expect(Number.parseInt(last.slice(0, 12), 16)).toBe(1_001);
    now = 500;
    take(10);
    now = 1_001;
    take(10);
    now = 1_002;
    take(1);
    expect(last.slice(0, 16)).toBe(`${(1_002).toString(16).padStart(12, '0')}0000`);
  });

  it('ids of two runtimes of one moment differ', () => {
    const runtimes = [createRuntime({ clock: { now: () => 7 } }), createRuntime({ clock: { now: () => 7 } })];
    const ids = runtimes.flatMap((runtime) => Array.from({ length: 1_000 }, () => runtime.id()));
    expect(new Set(ids).size).toBe(2_000);
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
