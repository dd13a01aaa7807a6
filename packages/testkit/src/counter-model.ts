import type { CounterPort } from '@portolan/core';
import fc from 'fast-check';
import { expect } from 'vitest';

const key = fc.constantFrom('a', 'b', 'c');
const MAX = Number.MAX_SAFE_INTEGER;
/** Small numbers, and those around the ends of the safe integers. */
const integer = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -5, max: 5 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }).map((less) => MAX - less) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }).map((less) => less - MAX) },
  { weight: 1, arbitrary: fc.maxSafeInteger() },
);
const ttlMs = fc.option(fc.integer({ min: 3_600_000, max: 7_200_000 }), { nil: undefined });

const addition = fc
  .record({
    key,
    by: integer,
    ttlMs,
    ttlMode: fc.constantFrom('create' as const, 'refresh' as const),
    bounds: fc.oneof(fc.constant([-MAX, MAX] as const), fc.tuple(integer, integer)),
    onBound: fc.constantFrom('reject' as const, 'saturate' as const),
  })
  .map(({ bounds, ttlMs: ttl, ...rest }) => ({
    ...rest,
    ...(ttl === undefined ? {} : { ttlMs: ttl }),
    min: Math.min(...bounds),
    max: Math.max(...bounds),
  }));

const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('add' as const), many: fc.array(addition, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('write' as const), key, value: fc.option(integer), ttlMs }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('read' as const), keys: fc.array(key, { maxLength: 4 }) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

async function perform(port: CounterPort, operation: Operation): Promise<unknown> {
  if (operation.op === 'add') return port.add(operation.many);
  if (operation.op === 'write') return port.write(operation.key, operation.value, operation.ttlMs);
  const found = await port.read(operation.keys);
  // Both run on real time: how much is left differs by the moment of asking, whole minutes do not matter here.
  return found.map(
    (one) => one && { value: one.value, ttl: one.ttlMs === null ? null : Math.round(one.ttlMs / 600_000) },
  );
}

/** Random sequences of operations must be answered alike by both ports. `open` gives two empty ones under far-off expiries and real time. */
export async function checkCounterModel(
  open: () => Promise<{ oracle: CounterPort; subject: CounterPort }>,
  runs: number,
): Promise<void> {
  const sequence = fc.array(operation, { minLength: 1, maxLength: 30 });
  const property = fc.asyncProperty(sequence, async (operations) => {
    const { oracle, subject } = await open();
    const last: Operation = { op: 'read', keys: ['a', 'b', 'c'] };
    for (const one of [...operations, last]) {
      expect(await perform(subject, one)).toEqual(await perform(oracle, one));
    }
  });
  await fc.assert(property, { numRuns: runs });
}
