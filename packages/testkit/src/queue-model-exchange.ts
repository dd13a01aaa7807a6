import { checkQueueLimits, type NewJob, type QueueLimits, type Settlement } from '@portolan/core';
import fc from 'fast-check';
import { KEEP } from './queue-client.ts';
import { anyLimits } from './queue-limits-arbitrary.ts';
import { command, delay, id, session, sometimes } from './queue-model-kit.ts';

const kin = fc.record({
  awaits: sometimes(fc.integer({ min: 1, max: 2 })),
  parent: fc.option(fc.constantFrom('p', '{"of":1.0}'), { nil: undefined, freq: 2 }),
});

export const newJobs = fc
  .array(
    fc.record({
      id,
      body: fc.string({ unit: 'grapheme', maxLength: 5 }),
      priority: fc.constantFrom(0, 0, 0, 1, -1, 1_000),
      delayMs: delay,
      dedupeKey: sometimes(fc.constantFrom('k1', 'k2')),
      dedupe: fc.constantFrom('keep' as const, 'replace' as const, 'debounce' as const),
      group: fc.option(fc.constantFrom('g1', 'g1', 'g:{2}'), { nil: undefined, freq: 5 }),
      kin,
    }),
    { maxLength: 4 },
  )
  .map((drawn) =>
    drawn.map(({ dedupeKey, dedupe, group, kin: { awaits, parent }, ...job }) => ({
      ...job,
      ...(dedupeKey === undefined ? {} : { dedupeKey, dedupe }),
      ...(group === undefined ? {} : { group }),
      ...(awaits === undefined ? {} : { awaits }),
      ...(parent === undefined ? {} : { parent }),
    })),
  );

const toPush = (jobs: readonly NewJob[]) =>
  command(`push ${JSON.stringify(jobs)}`, (port, queue) => port.push(queue, jobs));
export const push = newJobs.map(toPush);

const settlement: fc.Arbitrary<Settlement> = fc.oneof(
  id.map((one): Settlement => ({ id: one, outcome: 'completed', result: '{"r":1.0}' })),
  id.map((one): Settlement => ({ id: one, outcome: 'failed', error: '"f"' })),
  id.map((one): Settlement => ({ id: one, outcome: 'cancelled', error: '"c"' })),
  fc.record({ id, outcome: fc.constant('retry' as const), delayMs: delay, error: fc.constant('"e"') }),
  fc.record({ id, outcome: fc.constant('released' as const), delayMs: delay }),
);

interface Drawn {
  readonly session: string;
  readonly settled: readonly Settlement[];
  readonly claim: number;
  readonly twice: boolean;
}

/** `startedAt` is time, and `dueInMs` differs by what passed between the two. */
const toExchange = (drawn: Drawn) =>
  command(`exchange ${JSON.stringify(drawn)}`, async (port, queue, nonce) => {
    const { session: name, settled, claim, twice } = drawn;
    const request = { session: name, nonce, leaseMs: 3_600_000, settled, claim, retention: KEEP };
    const results = [await port.exchange(queue, request)];
    if (twice) results.push(await port.exchange(queue, request));
    return results.map(({ jobs, created, refused, cancel, dueInMs, owes }) => ({
      owes,
      created,
      refused: [...refused].sort(),
      cancel: [...cancel].sort(),
      due: dueInMs === null ? null : Math.round(dueInMs / 3_600_000),
      jobs: jobs.map((job) => ({ ...job, startedAt: 0 })),
    }));
  });
export const exchange = fc
  .record({
    session,
    settled: fc.array(settlement, { maxLength: 4 }),
    claim: fc.integer({ min: 0, max: 4 }),
    twice: fc.boolean(),
  })
  .map(toExchange);

const toLimit = (drawn: QueueLimits | null) =>
  command(`limit ${JSON.stringify(drawn)}`, (port, queue) =>
    port.amend(queue, { do: 'limit', limits: checkQueueLimits(drawn) }),
  );
export const limit = anyLimits.map(toLimit);
/** Half of the sequences begin with jobs of one group that stand aside. */
export const crowd = fc.option(
  fc
    .record({ concurrency: fc.constantFrom(1, 2), claim: fc.integer({ min: 1, max: 4 }) })
    .map(({ concurrency, claim }) => [
      toLimit({ group: { concurrency } }),
      toPush(
        Array.from({ length: 6 }, (_, n) => ({ id: `j${n + 1}`, body: '', priority: n % 3, delayMs: 0, group: 'g1' })),
      ),
      toExchange({ session: 'a', settled: [], claim, twice: false }),
    ]),
  { nil: [], freq: 2 },
);
