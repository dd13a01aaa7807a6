import { EventEmitter } from 'node:events';
import type * as fs from 'node:fs';
import { createRuntime } from '@portolan/core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Engine } from '../src/engine.ts';
import { sqliteAdapter } from '../src/index.ts';
import { Signals } from '../src/signals.ts';
import { startPeer, temporaryFile } from './process-kit.ts';

/** What `watch` does: as it should, throws, or gives a watcher that says nothing. */
const watching = vi.hoisted(() => ({
  how: 'real' as 'real' | 'throws' | 'silent',
  calls: 0,
  silent: [] as { emit(event: string, value: unknown): void }[],
}));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const watch = (...args: Parameters<typeof real.watch>) => {
    watching.calls++;
    if (watching.how === 'throws') throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    if (watching.how === 'real') return real.watch(...args);
    const silent = Object.assign(new EventEmitter(), { close: () => undefined });
    watching.silent.push(silent);
    return silent;
  };
  return { ...real, watch };
});

const runtime = createRuntime();
let file = '';
let closing: (() => void)[] = [];

/** A connection of its own, as another process has. */
function connect(namespace = 1): { engine: Engine; signals: Signals; raise: (channel: string) => Promise<void> } {
  const engine = new Engine({ path: file, synchronous: 'normal' }, runtime, 5_000);
  const signals = new Signals(engine, namespace);
  closing.push(() => {
    signals.stop();
    engine.close();
  });
  return { engine, signals, raise: (channel) => engine.write(() => signals.raise(channel)) };
}

beforeEach(() => {
  Object.assign(watching, { how: 'real', calls: 0, silent: [] });
  file = temporaryFile();
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const close of closing) close();
  closing = [];
});

const soon = { timeout: 5_000, interval: 1 };

/** Listens, and counts what was heard. */
function hear(signals: Signals, channel: string): { count: number; stop(): void } {
  const heard = { count: 0, stop: () => {} };
  heard.stop = signals.listen(channel, () => heard.count++);
  return heard;
}

/** Another connection raises, after a time of rest each; every time the listener wakes. */
async function expectToHear(times: number): Promise<void> {
  const here = connect();
  const there = connect();
  const heard = hear(here.signals, 'c');
  for (let n = 0; n < times; n++) {
    const before = heard.count;
    await runtime.sleep(80);
    await there.raise('c');
    await vi.waitFor(() => expect(heard.count).toBeGreaterThan(before), soon);
  }
}

it('wakes its own listeners with the commit, before the writer goes on, once however often it was raised', async () => {
  const { engine, signals, raise } = connect();
  // The first of all takes longer than a turn may last.
  await raise('other');
  const order: string[] = [];
  signals.listen('c', () => order.push('heard'));
  await Promise.all([
    engine.write(() => signals.raise('c')).then(() => order.push('written')),
    engine.write(() => signals.raise('c')).then(() => order.push('written')),
  ]);
  expect(order).toEqual(['heard', 'written', 'written']);
  await engine.write(() => signals.raise('c'));
  expect(order.filter((one) => one === 'heard')).toHaveLength(2);
});

it('wakes nobody for what was rolled back, and somebody for what shared its transaction', async () => {
  const { engine, signals } = connect();
  const lost = hear(signals, 'lost');
  const kept = hear(signals, 'kept');
  const writes = [
    engine.write(() => signals.raise('kept')),
    engine.write(() => {
      signals.raise('lost');
      throw new Error('no');
    }),
  ];
  await Promise.allSettled(writes);
  expect([kept.count, lost.count]).toEqual([1, 0]);
});

it('a listener that throws disturbs neither the others nor the writer', async () => {
  const { signals, raise } = connect();
  const failure = new Promise((resolve) => process.once('uncaughtException', resolve));
  const others = process
    .listeners('uncaughtException')
    .filter((one) => one !== process.listeners('uncaughtException').at(-1));
  for (const one of others) process.off('uncaughtException', one);
  signals.listen('c', () => {
    throw new Error('mine');
  });
  const heard = hear(signals, 'c');
  await raise('c');
  expect(heard.count).toBe(1);
  expect(await failure).toMatchObject({ message: 'mine' });
  for (const one of others) process.on('uncaughtException', one);
});

it('wakes listeners of another process', async () => {
  const backend = await sqliteAdapter().open(`sqlite:${file}`, { namespace: 'n', runtime, deadlineMs: 5_000 });
  closing.push(() => void backend.close());
  const hints: bigint[] = [];
  await backend.broadcast.hint('t', () => hints.push(process.hrtime.bigint()));
  const peer = startPeer('./signal-peer.ts', [file, 'n', 't', '30', '60']);
  expect(await peer.ended).toBe(0);
  const delays = peer.lines.map((line) => {
    const sent = BigInt(line);
    return Number((hints.find((at) => at >= sent) ?? sent + 1_000_000_000n) - sent) / 1e6;
  });
  expect(delays).toHaveLength(30);
  expect(delays.sort((a, b) => a - b)[15]).toBeLessThan(100);
});

it('hears without file events', async () => {
  watching.how = 'throws';
  await expectToHear(5);
});

it('hears where file events are promised and never come, and stops relying on them', async () => {
  watching.how = 'silent';
  await expectToHear(7);
  expect(watching.calls).toBe(3);
});

it('relies on file events again after a while', async () => {
  watching.how = 'silent';
  const now = performance.now.bind(performance);
  let ahead = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead);
  await expectToHear(5);
  expect(watching.calls).toBe(3);
  watching.how = 'real';
  ahead = 61_000;
  await vi.waitFor(() => expect(watching.calls).toBe(4), soon);
});

it('goes on when a watcher breaks, and watches again', async () => {
  watching.how = 'silent';
  const here = connect();
  const heard = hear(here.signals, 'c');
  watching.how = 'real';
  for (const one of watching.silent) one.emit('error', new Error('gone'));
  await vi.waitFor(() => expect(watching.calls).toBe(2), soon);
  await connect().raise('c');
  await vi.waitFor(() => expect(heard.count).toBe(1), soon);
});

it('watches a log that comes to be later, or is emptied', async () => {
  watching.how = 'throws';
  const here = connect();
  const there = connect();
  const heard = hear(here.signals, 'c');
  watching.how = 'real';
  const tries = watching.calls;
  await vi.waitFor(() => expect(watching.calls).toBeGreaterThan(tries), soon);
  await there.raise('c');
  await vi.waitFor(() => expect(heard.count).toBe(1), soon);
  there.engine.sql('PRAGMA wal_checkpoint(TRUNCATE)').get();
  await there.raise('c');
  await vi.waitFor(() => expect(heard.count).toBe(2), soon);
});

it('looks seldom while nothing happens, and never while nobody listens', async () => {
  const { engine, signals } = connect();
  const looks = vi.spyOn(engine, 'dataVersion');
  const heard = hear(signals, 'c');
  looks.mockClear();
  await runtime.sleep(1_000);
  expect(looks.mock.calls.length).toBeLessThanOrEqual(5);
  heard.stop();
  heard.stop();
  looks.mockClear();
  await connect().raise('c');
  await runtime.sleep(400);
  expect(looks).not.toHaveBeenCalled();
});

it('tells many listeners only of their own channel and namespace', async () => {
  const here = connect();
  const heard = Array.from({ length: 2_000 }, (_, n) => hear(here.signals, `c${n}`));
  const stranger = connect(2);
  const there = connect();
  await Promise.all([stranger.raise('c0'), ...heard.map((_, n) => (n % 2 ? there.raise(`c${n}`) : undefined))]);
  await vi.waitFor(() => expect(heard.filter((one) => one.count > 0)).toHaveLength(1_000), soon);
  expect(heard.every((one, n) => one.count === n % 2)).toBe(true);
});

it('forgets old channels, and wakes everyone when it may have missed one', async () => {
  const here = connect();
  const there = connect();
  const first = hear(here.signals, 'first');
  const silent = hear(here.signals, 'never raised');
  await there.engine.write(() => {
    for (let n = 0; n < 10_400; n++) there.signals.raise(n ? `c${n}` : 'first');
    for (let removed = 500; removed >= 500; ) removed = there.signals.sweep(500);
  });
  const rows = there.engine.sql('SELECT count(*) AS n, min(sequence) AS oldest FROM signal').get();
  expect(rows).toMatchObject({ n: 10_000, oldest: 401 });
  await vi.waitFor(() => expect([first.count, silent.count]).toEqual([1, 1]), soon);
});
