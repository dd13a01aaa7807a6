import { type CachePort, contentVersion } from '@portolan/core';
import fc from 'fast-check';
import { expect } from 'vitest';
import { allEntries } from './cache-entries.ts';

const HOUR = 3_600_000;
const key = fc.constantFrom('a', '{b}%');
const tags = fc.subarray(['t', 'u']);
const lease = fc.constantFrom('one', 'two', 'three');
const text = fc.constantFrom('{"value":1}', '{"value":"é 🚢"}', '');

const operation = fc.oneof(
  fc.record({ op: fc.constant('read' as const), keys: fc.array(key, { maxLength: 3 }), tags }),
  fc.record({
    op: fc.constant('acquire' as const),
    key,
    want: fc.record({
      seen: fc.option(text.map(contentVersion)),
      lease,
      leaseMs: fc.integer({ min: HOUR, max: 2 * HOUR }),
      tags,
      force: fc.boolean(),
    }),
  }),
  fc.record({ op: fc.constant('fill' as const), key, lease, text }),
  fc.record({ op: fc.constant('release' as const), key, lease }),
  fc.record({ op: fc.constant('drop' as const), keys: fc.array(key, { maxLength: 3 }) }),
  fc.record({ op: fc.constant('retag' as const), tags }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Performs operations on a port. Epochs are chance: each is answered as the number of its first appearance. */
function performer(port: CachePort): (operation: Operation) => Promise<unknown> {
  const seen: string[] = [];
  const numbered = (epochs: readonly (string | null)[]) =>
    epochs.map((epoch) => {
      if (epoch === null) return null;
      if (!seen.includes(epoch)) seen.push(epoch);
      return seen.indexOf(epoch);
    });
  return async (one) => {
    switch (one.op) {
      case 'read': {
        const { entries, epochs } = await port.read(one.keys, one.tags);
        return { entries, epochs: numbered(epochs) };
      }
      case 'acquire': {
        const { granted, entry, epochs, waitMs } = await port.acquire(one.key, one.want);
        return { granted, entry, epochs: numbered(epochs), waits: waitMs > 0 };
      }
      case 'fill':
        return port.fill(one.key, one.lease, one.text, HOUR);
      case 'release':
        return port.release(one.key, one.lease);
      case 'drop':
        return port.drop(one.keys);
      default:
        return port.retag(one.tags);
    }
  };
}

/** Random sequences of operations must be answered alike by both ports. `open` gives two empty ones on real time; nothing expires. */
export async function checkCacheModel(
  open: () => Promise<{ oracle: CachePort; subject: CachePort }>,
  runs: number,
): Promise<void> {
  const sequence = fc.array(operation, { minLength: 1, maxLength: 40 });
  const last: Operation = { op: 'read', keys: ['a', '{b}%'], tags: ['t', 'u'] };
  const property = fc.asyncProperty(sequence, async (operations) => {
    const { oracle, subject } = await open();
    const [expected, actual] = [performer(oracle), performer(subject)];
    for (const one of [...operations, last]) expect(await actual(one)).toEqual(await expected(one));
    const keys = async (port: CachePort) => {
      const items = await allEntries(port, '*', 100);
      return items.map(({ key: name, size }) => `${name} ${size}`).sort();
    };
    expect(await keys(subject)).toEqual(await keys(oracle));
  });
  await fc.assert(property, { numRuns: runs });
}
