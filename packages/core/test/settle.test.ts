import { expect, it } from 'vitest';
import { defineJob } from '../src/job.ts';
import { encodeEnvelope } from '../src/job-envelope.ts';
import { createRuntime } from '../src/runtime.ts';
import type { Schema } from '../src/schema.ts';
import { Run, type RunOptions } from '../src/worker/run.ts';
import { judge } from '../src/worker/settle.ts';

const anything: Schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const { attempts, version } = defineJob({ name: 'unknown', input: anything, output: anything });
const CREATED = 1_000_000_000;

/** For how long a worker leaves a job alone that it does not know. */
function delayOf(ageMs: number): number {
  const body = encodeEnvelope({ name: 'unknown', attempts, createdAt: CREATED, version }, 'null');
  const options = { queue: 'work', runtime: createRuntime(), handlers: new Map() } as unknown as RunOptions;
  const run = new Run({ id: '1', body, attempt: 1, stalls: 0, startedAt: 0 }, options);
  const verdict = judge(run, { kind: 'unknown' }, CREATED + ageMs, Math.random);
  if (verdict?.settlement.outcome !== 'released') throw new Error('it was not handed back');
  return verdict.settlement.delayMs;
}

it('a job that is unknown here is left alone for a moment, and the longer the older it is', () => {
  expect([0, 50, 400, 4_000, 60_000].map(delayOf)).toEqual([100, 100, 100, 1_000, 15_000]);
  expect(delayOf(86_400_000)).toBe(300_000);
});

it('one that nobody knows is taken a few times, however old it gets', () => {
  const within = (ms: number): number => {
    let taken = 0;
    for (let age = 0; age < ms; age += delayOf(age)) taken += 1;
    return taken;
  };
  expect(within(1_000)).toBeLessThanOrEqual(10);
  expect(within(3_600_000)).toBeLessThanOrEqual(50);
});

it('a producer whose clock is ahead makes none that is taken on and on', () => {
  expect(delayOf(-3_600_000)).toBe(300_000);
});
