import { describe, expect, it } from 'vitest';
import { defineJob } from '../src/job.ts';
import { encodeEnvelope } from '../src/job-envelope.ts';
import type { QueuePort } from '../src/ports/queue.ts';
import type { ExchangeRequest, ExchangeResult, LeasedJob } from '../src/ports/queue-exchange.ts';
import { createRuntime } from '../src/runtime.ts';
import type { Schema } from '../src/schema.ts';
import { Ahead, aheadOf } from '../src/worker/ahead.ts';
import { handle } from '../src/worker/handler.ts';
import { Lane, type LaneOptions } from '../src/worker/lane.ts';
import { Pool } from '../src/worker/pool.ts';
import type { Run } from '../src/worker/run.ts';

/** Ahead of one slot, with the sleeps in the test's hands. */
function aheadOfOne() {
  const wakes: (() => void)[] = [];
  const runtime = { ...createRuntime(), sleep: () => new Promise<void>((resolve) => wakes.push(resolve)) };
  const back: string[] = [];
  const ahead = new Ahead(aheadOf(1), runtime);
  const named = (id: string): Run => {
    const run = {
      id,
      interrupt: () => {
        back.push(id);
        ahead.drop(run);
      },
    } as unknown as Run;
    return run;
  };
  const quick = (count: number) => {
    for (let at = 0; at < count; at++) ahead.ended(1);
  };
  const wake = async () => {
    for (const one of wakes.splice(0)) one();
    await new Promise(setImmediate);
  };
  return { ahead, named, back, quick, wake };
}

describe('what a worker claims ahead', () => {
  it('is nothing before runs have been quick, and again once one was not, which hands back what waits', () => {
    const { ahead, named, back, quick } = aheadOfOne();
    quick(31);
    expect(ahead.room).toBe(0);
    quick(1);
    expect(ahead.room).toBe(7);
    ahead.add(named('a'));
    expect([ahead.size, ahead.room]).toEqual([1, 6]);
    ahead.ended(2);
    expect([ahead.size, ahead.room, back]).toEqual([0, 0, ['a']]);
  });

  it('grows as slots become fewer', () => {
    expect([1, 2, 7, 8, 50].map(aheadOf)).toEqual([7, 6, 1, 0, 0]);
  });

  it('is handed back when the first of it has waited through a look', async () => {
    const { ahead, named, back, wake } = aheadOfOne();
    ahead.add(named('a'));
    ahead.add(named('b'));
    ahead.add(named('c'));
    expect(ahead.next()?.id).toBe('a');
    await wake();
    expect(back).toEqual([]);
    await wake();
    expect(back).toEqual(['b', 'c']);
    expect(ahead.size).toBe(0);
    ahead.add(named('d'));
    await wake();
    expect(back).toEqual(['b', 'c', 'd']);
  });
});

describe('a lane', () => {
  const anything: Schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
  const definition = defineJob({ name: 'job', input: anything, output: anything });
  const body = encodeEnvelope({ name: 'job', attempts: 1, createdAt: 0, version: 1 }, 'null');
  const leased = (id: string, stalls = 0): LeasedJob => ({ id, body, attempt: 1, stalls, startedAt: 0 });

  /** A lane of one slot, on a store that hands out these jobs. */
  function laneOn(...answers: readonly (readonly LeasedJob[])[]) {
    const asked: ExchangeRequest[] = [];
    const exchange = async (_: string, request: ExchangeRequest): Promise<ExchangeResult> => {
      asked.push(request);
      const jobs = answers[asked.length - 1] ?? [];
      return { created: false, jobs, refused: [], cancel: [], dueInMs: null, owes: false };
    };
    const pool = new Pool(1);
    const user = { slotsFreed: () => lane.beginAhead() };
    pool.reserve(user, 1);
    const ran: string[] = [];
    const gate = Promise.withResolvers<void>();
    const run = (_: unknown, { id }: { readonly id: string }) => {
      ran.push(id);
      return gate.promise;
    };
    const options = {
      port: { exchange } as unknown as QueuePort,
      // Every run is quick, however busy the machine is.
      runtime: createRuntime({ clock: { now: () => 0 } }),
      queue: 'work',
      handlers: new Map([['job', handle(definition, run)]]),
      limits: { add: () => undefined, remove: () => undefined },
      leaseMs: 1_000,
      maxResultBytes: 1_000,
      reporter: { wants: () => false, report: () => undefined },
      holder: () => () => undefined,
      ahead: 7,
      take: () => pool.reserve(user, 1) === 1,
      freed: (slots: number) => pool.release(slots),
    };
    const lane = new Lane(options as unknown as LaneOptions);
    return { lane, asked, ran, gate };
  }

  /** As after many quick runs. */
  const warm = (lane: Lane) => {
    for (let at = 0; at < 32; at++) lane.ahead.ended(0);
  };

  it('begins what it claimed ahead as slots are free, in order', async () => {
    const { lane, asked, ran, gate } = laneOn([leased('a'), leased('b'), leased('c')]);
    warm(lane);
    await lane.exchange(1, 2);
    expect(asked[0]?.claim).toBe(3);
    expect([ran.length, lane.ahead.size, lane.active.length]).toEqual([1, 2, 1]);
    gate.resolve();
    await new Promise(setImmediate);
    expect(ran.map((id) => id.at(-1))).toEqual(['a', 'b', 'c']);
    await lane.exchange(0, 0);
    expect(asked[1]?.settled.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['a', 'completed'],
      ['b', 'completed'],
      ['c', 'completed'],
    ]);
    expect(lane.empty).toBe(true);
  });

  const back = (id: string) => ({ id, outcome: 'released', delayMs: 0 });

  it('begins nothing where a job whose worker has vanished came with one in hand, until these are back', async () => {
    const { lane, asked, ran, gate } = laneOn([leased('a', 1), leased('b'), leased('c')], [leased('a', 1)]);
    warm(lane);
    await lane.exchange(1, 2);
    expect([ran, lane.active, lane.ahead.room]).toEqual([[], [], 0]);
    await lane.exchange(1, 0);
    expect(asked[1]?.settled).toEqual([back('c'), back('b'), back('a')]);
    expect(ran).toEqual(['work:a']);
    gate.resolve();
  });

  it('takes no such job in hand', async () => {
    const { lane, asked, ran } = laneOn([leased('a')], [leased('b', 1)]);
    warm(lane);
    await lane.exchange(1, 0);
    await lane.exchange(0, 1);
    expect([ran, lane.ahead.size]).toEqual([['work:a'], 0]);
    await lane.exchange(0, 0);
    expect(asked[2]?.settled).toEqual([back('b')]);
  });

  it('hands back in the order of the line what two claims brought', async () => {
    const { lane, asked } = laneOn([leased('a'), leased('b'), leased('c')], [leased('d'), leased('e')]);
    warm(lane);
    await lane.exchange(1, 2);
    const second = lane.exchange(0, 2);
    lane.stop();
    await second;
    expect(lane.active.map(({ job }) => job.id)).toEqual(['a']);
    await lane.exchange(0, 0);
    expect(asked[2]?.settled).toEqual([back('e'), back('d'), back('c'), back('b')]);
  });
});
