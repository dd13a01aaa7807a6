import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { QueuePort } from '../src/ports/queue.ts';
import { createRuntime } from '../src/runtime.ts';
import { createLeaseKeeper, holdLatest, type LeaseMessage } from '../src/worker/lease-keeper.ts';
import { LeaseWatch } from '../src/worker/lease-watch.ts';

const LEASE_MS = 6_000;
const BEAT_MS = LEASE_MS / 3;
const START = 2 ** 40 + 2 ** 31 - 5 * BEAT_MS;

/** A keeper and its watch in one thread, on one clock; the worker's loop stands still while `blocked`. */
function setUp({ maxBlockMs = 60_000 } = {}) {
  const pulse = new Int32Array(new SharedArrayBuffer(4));
  const runtime = createRuntime();
  let unblock: (() => void) | undefined;
  let blocked: Promise<void> | undefined;
  const blockable = createRuntime({
    sleep: async (ms, signal) => {
      await runtime.sleep(ms, signal);
      await blocked;
    },
  });
  const beats: string[] = [];
  const store = { away: false };
  const beat: QueuePort['beat'] = async (queue, session) => {
    if (store.away) throw new Error('away');
    beats.push(`${queue} ${session} at ${Date.now()}`);
    return { alive: true, cancel: [] };
  };
  const watch = new LeaseWatch({ runtime, pulse, maxBlockMs, port: async () => ({ beat }) as QueuePort });
  const keeper = createLeaseKeeper({ runtime: blockable, pulse, tell: (message) => watch.take(message) });
  const stopping = new AbortController();
  const ended = watch.run(stopping.signal);
  return {
    beats,
    keeper,
    store,
    advance: (ms: number) => vi.advanceTimersByTimeAsync(ms),
    block() {
      const blocking = Promise.withResolvers<void>();
      blocked = blocking.promise;
      unblock = blocking.resolve;
    },
    async unblock() {
      blocked = undefined;
      unblock?.();
      await vi.advanceTimersByTimeAsync(0);
    },
    async end() {
      keeper.close();
      stopping.abort();
      await ended;
    },
  };
}

beforeEach(() => {
  // A time whose lower half is about to go round.
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

it('leaves it to the worker while that moves, and sleeps while nothing is held', async () => {
  const { keeper, beats, advance, end } = setUp();
  await advance(60_000);
  expect(vi.getTimerCount()).toBe(0);
  keeper.hold('work', 'a', LEASE_MS);
  await advance(120_000);
  keeper.drop('a');
  await advance(BEAT_MS);
  expect(vi.getTimerCount()).toBe(0);
  expect(beats).toEqual([]);
  await end();
});

it.each([0, 100, 499, 500, 501, 1_999])(
  'beats in time whenever the worker stops to move, here %i ms behind a beat',
  async (ms) => {
    const { keeper, beats, advance, block, end } = setUp();
    keeper.hold('work', 'a', LEASE_MS);
    keeper.hold('mail', 'b', LEASE_MS);
    await advance(10 * BEAT_MS + ms);
    const stopped = Date.now();
    block();
    await advance(6 * BEAT_MS);
    const times = beats.filter((one) => one.startsWith('work a at ')).map((one) => Number(one.split(' ').at(-1)));
    // The worker's own last beat may be a beat older than its stop.
    expect((times[0] ?? 0) - stopped).toBeGreaterThan(BEAT_MS / 2);
    expect((times[0] ?? 0) - stopped + BEAT_MS).toBeLessThanOrEqual(2.25 * BEAT_MS);
    for (const [at, time] of times.entries()) if (at > 0) expect(time - (times[at - 1] ?? 0)).toBe(BEAT_MS);
    expect(times.length).toBeGreaterThanOrEqual(5);
    expect(beats.filter((one) => one.startsWith('mail b at '))).toHaveLength(times.length);
    await end();
  },
);

it('beats at once for a worker that has stood still since before the watch was there', async () => {
  const { pulse, runtime } = { pulse: new Int32Array(new SharedArrayBuffer(4)), runtime: createRuntime() };
  const told: LeaseMessage[] = [];
  const keeper = createLeaseKeeper({ runtime, pulse, tell: (message) => told.push(message) });
  keeper.hold('work', 'a', LEASE_MS);
  keeper.close();
  await vi.advanceTimersByTimeAsync(BEAT_MS + 1);
  const beat = vi.fn(async () => ({ alive: true, cancel: [] }));
  const watch = new LeaseWatch({
    runtime,
    pulse,
    maxBlockMs: 60_000,
    port: async () => ({ beat }) as unknown as QueuePort,
  });
  for (const message of told) watch.take(message);
  const stopping = new AbortController();
  const ended = watch.run(stopping.signal);
  await vi.advanceTimersByTimeAsync(0);
  expect(beat).toHaveBeenCalledWith('work', 'a', LEASE_MS);
  stopping.abort();
  await ended;
});

it('stops once the worker moves again, and begins anew when it stands still again', async () => {
  const { keeper, beats, advance, block, unblock, end } = setUp();
  keeper.hold('work', 'a', LEASE_MS);
  await advance(BEAT_MS);
  block();
  await advance(4 * BEAT_MS);
  await unblock();
  const before = beats.length;
  expect(before).toBeGreaterThan(0);
  await advance(10 * BEAT_MS);
  expect(beats).toHaveLength(before);
  block();
  await advance(3 * BEAT_MS);
  expect(beats.length).toBeGreaterThan(before);
  await end();
});

it('gives up a worker that stands still for too long, until it moves', async () => {
  const { keeper, beats, advance, block, unblock, end } = setUp({ maxBlockMs: 5 * BEAT_MS });
  keeper.hold('work', 'a', LEASE_MS);
  await advance(BEAT_MS);
  block();
  await advance(20 * BEAT_MS);
  const before = beats.length;
  expect(before).toBeGreaterThanOrEqual(4);
  expect(Number(beats.at(-1)?.split(' ').at(-1))).toBeLessThanOrEqual(START + 6 * BEAT_MS);
  await unblock();
  await advance(BEAT_MS);
  expect(beats).toHaveLength(before);
  block();
  await advance(2 * BEAT_MS);
  expect(beats).toHaveLength(before + 1);
  await end();
});

it('tries again soon while the store is away', async () => {
  const { keeper, store, beats, advance, block, end } = setUp();
  keeper.hold('work', 'a', LEASE_MS);
  await advance(BEAT_MS);
  store.away = true;
  block();
  await advance(3 * BEAT_MS);
  store.away = false;
  await advance(BEAT_MS / 4);
  expect(beats).toHaveLength(1);
  await end();
});

it('a queue has one session at a time', () => {
  const told: string[] = [];
  const keeper = {
    hold: (queue: string, session: string, leaseMs: number) => void told.push(`hold ${queue} ${session} ${leaseMs}`),
    drop: (session: string) => void told.push(`drop ${session}`),
  };
  const hold = holdLatest(keeper, 'work', 10);
  for (const session of ['a', 'a', 'b', 'b', undefined, undefined]) hold(session);
  expect(told).toEqual(['hold work a 10', 'drop a', 'hold work b 10', 'drop b']);
  holdLatest(undefined, 'work', 10)('a');
});
