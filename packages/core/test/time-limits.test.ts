import { expect, it, vi } from 'vitest';
import { createRuntime } from '../src/runtime.ts';
import { TimeLimits } from '../src/worker/time-limits.ts';

function setUp() {
  vi.useFakeTimers({ now: 0 });
  const limits = new TimeLimits(createRuntime());
  const expired: string[] = [];
  const begin = (name: string, ms: number) => {
    const limited = { begunAt: Date.now(), expire: () => void expired.push(`${name} at ${Date.now()}`) };
    limits.add(ms, limited);
    return () => limits.remove(ms, limited);
  };
  return { limits, expired, begin, advance: (ms: number) => vi.advanceTimersByTimeAsync(ms) };
}

it('each expires at its own limit, in the order in which they began, and those removed do not', async () => {
  try {
    const { expired, begin, advance } = setUp();
    const first = begin('first', 100);
    begin('slow', 1_000);
    await advance(30);
    begin('second', 100);
    const third = begin('third', 100);
    begin('fourth', 100);
    first();
    await advance(60);
    third();
    await advance(2_000);
    expect(expired).toEqual(['second at 130', 'fourth at 130', 'slow at 1000']);
    begin('later', 100);
    await advance(100);
    expect(expired.at(-1)).toBe('later at 2190');
    await advance(1_000);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

it('many runs of one limit share a timer, and none is left after a stop', async () => {
  try {
    const { limits, expired, begin, advance } = setUp();
    for (let n = 0; n < 1_000; n += 1) begin(`run ${n}`, 100);
    expect(vi.getTimerCount()).toBe(1);
    limits.stop();
    await advance(0);
    expect(vi.getTimerCount()).toBe(0);
    await advance(1_000);
    expect(expired).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});
