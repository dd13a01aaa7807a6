import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PortolanError } from '../src/errors.ts';
import type { QueuePort } from '../src/ports/queue.ts';
import type { Reconciled } from '../src/ports/queue-reconcile.ts';
import { nothingSwept } from '../src/ports/queue-sweep.ts';
import { reconcileQueues } from '../src/queue-reconcile.ts';
import { createRuntime, silentLogger } from '../src/runtime.ts';
import { keepReconciling } from '../src/worker/reconciler.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A port that answers these pages of each queue, and notes what was asked of it. */
function setUp(pages: Readonly<Record<string, readonly Reconciled[]>>) {
  const asked: string[] = [];
  const warned: object[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void warned.push(fields) };
  const port = {
    inspect: async () => ({ queues: [], jobs: [], cursor: null, names: Object.keys(pages) }),
    sweep: async (queue: string, { reconcile }: Parameters<QueuePort['sweep']>[1]) => {
      asked.push(`${queue} ${reconcile?.cursor} ${reconcile?.everyMs} ${reconcile?.thorough}`);
      const page = pages[queue]?.[Number(reconcile?.cursor ?? 0)];
      if (!page) throw new PortolanError('UNAVAILABLE', 'the store is away');
      return nothingSwept(page);
    },
  } as unknown as QueuePort;
  return { port, asked, warned, runtime: createRuntime({ logger }) };
}

const page = (cursor: string | null, repaired: Reconciled['repaired'] = {}): Reconciled => ({
  cursor,
  looked: 5,
  repaired,
});

it('asks for every queue now and then, and logs what was repaired', async () => {
  const healthy = [page(null)];
  const broken = [page('1', { sums: 2, jobs: 1 }), page('2'), page(null, { jobs: 3 })];
  const { port, asked, warned, runtime } = setUp({ away: [], broken, healthy });
  const stopping = new AbortController();
  const ended = keepReconciling({ port, runtime, queues: () => ['away', 'broken', 'healthy'] }, stopping.signal);
  await vi.advanceTimersByTimeAsync(899_000);
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked).toEqual([
    ...['away null 3600000 false', 'broken null 3600000 false', 'broken 1 3600000 false', 'broken 2 3600000 false'],
    'healthy null 3600000 false',
  ]);
  expect(warned).toEqual([{ queue: 'broken', looked: 15, repaired: { jobs: 4, sums: 2 } }]);
  await vi.advanceTimersByTimeAsync(900_500);
  expect(asked).toHaveLength(10);
  stopping.abort();
  await ended;
});

it('ends between two pages when it is told to', async () => {
  const { port, asked, runtime } = setUp({ endless: [page('0')] });
  const stopping = new AbortController();
  const ended = keepReconciling({ port, runtime, queues: () => ['endless'] }, stopping.signal);
  await vi.advanceTimersByTimeAsync(950_000);
  expect(asked.length).toBeGreaterThan(100);
  const before = asked.length;
  stopping.abort();
  await ended;
  expect(asked).toHaveLength(before);
});

it('goes thoroughly over all queues by hand, without a pause', async () => {
  const { port, asked, runtime } = setUp({ one: [page('1', { strays: 1 }), page(null)], two: [page(null)] });
  const told: unknown[] = [];
  await reconcileQueues(port, { runtime, dryRun: true }, (queue, outcome) => told.push([queue, outcome]));
  expect(asked).toEqual(['one null 0 true', 'one 1 0 true', 'two null 0 true']);
  expect(told).toEqual([
    ['one', { looked: 10, repaired: { strays: 1 } }],
    ['two', { looked: 5, repaired: {} }],
  ]);
});
