import { contentVersion, type KeyCheck, type KeyOp, type KeyValuePort, PortolanError } from '@portolan/core';
import fc from 'fast-check';
import { expect } from 'vitest';

/** Far off on either side, so that both stores agree whatever their clocks say. */
const PAST = 1_000_000_000_000;
const FUTURE = [4_000_000_000_000, 4_000_000_000_001];
const KEYS = ['{t}', '{t}a', '{t}b', '{t}é'];
const VALUES: readonly (string | Uint8Array)[] = ['', '1', '{"a":"é😀"}', Uint8Array.of(0, 255, 128)];
const FIELDS = ['a', 'b', '__proto__', 'constructor'];

type Command =
  | { readonly do: 'commit'; readonly checks: readonly KeyCheck[]; readonly ops: readonly KeyOp[] }
  | { readonly do: 'read'; readonly keys: readonly string[]; readonly as: 'text' | 'bytes'; readonly expiry: boolean }
  | { readonly do: 'readFields'; readonly key: string; readonly fields: readonly string[] | undefined }
  | { readonly do: 'scan'; readonly match: string; readonly limit: number };

const key = fc.constantFrom(...KEYS);
const field = fc.constantFrom(...FIELDS);
const someFields = fc.uniqueArray(field, { minLength: 1 });
const expiresAt = fc.constantFrom<number | null | 'keep'>(null, 'keep', PAST, ...FUTURE);
const value = fc.constantFrom(...VALUES);
const fields = fc
  .array(fc.tuple(field, fc.constantFrom('1', '2')), { minLength: 1, maxLength: 4 })
  .map((entries): Record<string, string> => Object.fromEntries(entries));

const op: fc.Arbitrary<KeyOp> = fc.oneof(
  fc.record({ op: fc.constant('set' as const), key, value, expiresAt }),
  fc.record({ op: fc.constant('delete' as const), key }),
  fc.record({ op: fc.constant('touch' as const), key, expiresAt: fc.constantFrom(null, PAST, ...FUTURE) }),
  fc.record({ op: fc.constant('setFields' as const), key, fields, expiresAt }),
  fc.record({ op: fc.constant('deleteFields' as const), key, fields: someFields }),
);

const check: fc.Arbitrary<KeyCheck> = fc.record({
  key,
  is: fc.oneof(
    fc.constantFrom('absent' as const, 'present' as const),
    value.map((content) => ({ version: contentVersion(content) })),
  ),
});

/** Mostly one op without a check or with one, as callers write, so that the plain commands of a store are met as often as its general step. */
const commit = fc.record({
  do: fc.constant('commit' as const),
  checks: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(check, { maxLength: 3 }) },
  ),
  ops: fc.oneof(
    { weight: 3, arbitrary: fc.array(op, { minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.array(op, { maxLength: 5 }) },
  ),
});

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: commit },
  fc.record({
    do: fc.constant('read' as const),
    keys: fc.array(key, { minLength: 1, maxLength: 5 }),
    as: fc.constantFrom('text' as const, 'bytes' as const),
    expiry: fc.boolean(),
  }),
  fc.record({ do: fc.constant('readFields' as const), key, fields: fc.option(someFields, { nil: undefined }) }),
  fc.record({
    do: fc.constant('scan' as const),
    match: fc.constantFrom('*', '{t}', '{t}?', '{t}a', '*é', '{*}*'),
    limit: fc.constantFrom(1, 2, 100),
  }),
);

async function scanAll(port: KeyValuePort, match: string, limit: number): Promise<unknown> {
  const found = new Map<string, unknown>();
  let cursor: string | null = null;
  do {
    const page = await port.scan({ match, cursor, limit });
    for (const item of page.items) found.set(item.key, item);
    ({ cursor } = page);
  } while (cursor !== null);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

async function answer(port: KeyValuePort, one: Command): Promise<unknown> {
  switch (one.do) {
    case 'commit':
      return port.commit(one.checks, one.ops);
    case 'read':
      return (await port.read(one.keys, one)).map(
        (stored) => stored && { ...stored, value: Buffer.from(stored.value).toString('hex') },
      );
    case 'readFields': {
      const found = await port.readFields(one.key, one.fields);
      return found && Object.entries(found).sort();
    }
    case 'scan':
      return scanAll(port, one.match, one.limit);
  }
}

const settledAnswer = (port: KeyValuePort, one: Command): Promise<unknown> =>
  answer(port, one).catch((error: unknown) =>
    PortolanError.is(error) ? { code: error.code } : { error: String(error) },
  );

/**
 * Random sequences of commits, reads and scans answer the same on both ports, call by call. `open` makes an empty pair for each run;
 * text of bytes that are no UTF-8 is compared too.
 */
export async function checkKeyValueModel(
  open: () => Promise<{ readonly oracle: KeyValuePort; readonly subject: KeyValuePort; close(): Promise<void> }>,
  runs: number,
): Promise<void> {
  const property = fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 25 }), async (commands) => {
    const { oracle, subject, close } = await open();
    try {
      for (const one of commands) expect(await settledAnswer(subject, one)).toEqual(await settledAnswer(oracle, one));
    } finally {
      await close();
    }
  });
  await fc.assert(property, { numRuns: runs });
}
