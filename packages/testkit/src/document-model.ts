import {
  type DocumentPort,
  type DocumentWrite,
  encodeIndexKey,
  indexMember,
  type StoredDocument,
} from '@portolan/core';
import fc from 'fast-check';
import { expect } from 'vitest';

const IDS = ['a', 'b', 'c', 'é', 'a b', '~'];
const KEYS = ['', 'x', 'x y', 'é', 0, -1, null, true] as const;
const COLLECTION = 'model';

const id = fc.constantFrom(...IDS);
const key = fc.constantFrom(...KEYS).map((value) => encodeIndexKey(value, 'model'));
const bound = fc.option(key, { nil: undefined });
const entry = fc.oneof(
  fc.record({ index: fc.constantFrom('i', 'j'), key }),
  fc.record({ index: fc.constantFrom('u', 'v'), key, unique: fc.constant(true) }),
);
/** `now` and `before` stand for the revision stored at that time, and one below it. */
const wanted = fc.constantFrom('any', 'any', 'any', 'absent', 'present', 'now', 'before');
/** Never, in a century, or long ago: none depends on when the test runs. */
const expiresAt = fc.constantFrom(null, null, null, 4_900_000_000_000, 1_000);

const write = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('put' as const),
      id,
      wanted,
      body: fc.json(),
      entries: fc.uniqueArray(entry, { maxLength: 3, selector: (one) => `${one.index} ${one.key}` }),
      expiresAt,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('delete' as const), id, wanted }) },
);

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      writes: fc.uniqueArray(write, { minLength: 1, maxLength: 4, selector: (one) => one.id }),
    }),
  },
  fc.record({ kind: fc.constant('read' as const), ids: fc.array(id, { maxLength: 4 }) }),
  fc.record({
    kind: fc.constant('walk' as const),
    index: fc.constantFrom('i', 'j', 'u', 'v'),
    from: bound,
    to: bound,
    reverse: fc.boolean(),
    limit: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant('walkIds' as const), after: fc.option(id, { nil: undefined }), reverse: fc.boolean() }),
  fc.record({
    kind: fc.constant('changes' as const),
    after: fc.integer({ min: 0, max: 40 }),
    limit: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant('collections' as const) }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

/** What two adapters must agree on: everything but the times of their clocks. */
const timeless = (document: StoredDocument | null) =>
  document && { ...document, createdAt: document.createdAt > 0, updatedAt: document.updatedAt >= document.createdAt };

async function toWrite(port: DocumentPort, { wanted: expectation, ...rest }: Write): Promise<DocumentWrite> {
  const [stored] = await port.read(COLLECTION, [rest.id]);
  const revision = stored?.revision ?? 7;
  if (expectation === 'now') return { ...rest, expect: revision };
  if (expectation === 'before') return { ...rest, expect: Math.max(revision - 1, 1) };
  return { ...rest, expect: expectation as 'any' | 'absent' | 'present' };
}

async function play(port: DocumentPort, one: Step): Promise<unknown> {
  if (one.kind === 'commit') {
    const writes: DocumentWrite[] = [];
    for (const write of one.writes) writes.push(await toWrite(port, write));
    const result = await port.commit(COLLECTION, writes);
    return result.ok ? result.written.map(({ revision, createdAt }) => [revision, createdAt > 0]) : result;
  }
  if (one.kind === 'read') return (await port.read(COLLECTION, one.ids)).map(timeless);
  if (one.kind === 'collections') {
    await port.changes(COLLECTION, 0, 1);
    return (await port.collections()).filter(({ revision }) => revision > 0);
  }
  if (one.kind === 'changes') {
    const { changes, ...rest } = await port.changes(COLLECTION, one.after, one.limit);
    return { ...rest, changes: changes.map((change) => ({ ...change, document: timeless(change.document) })) };
  }
  if (one.kind === 'walkIds') {
    const after = one.after === undefined ? {} : { after: indexMember(null, one.after) };
    const page = await port.scan(COLLECTION, { index: null, reverse: one.reverse, limit: 2, ...after });
    return { ...page, documents: page.documents.map(timeless) };
  }
  const { index, from, to, reverse, limit } = one;
  const range = { index, reverse, limit, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const pages: unknown[] = [];
  for (let after: string | undefined; ; ) {
    const page = await port.scan(COLLECTION, { ...range, ...(after === undefined ? {} : { after }) });
    pages.push({ ...page, documents: page.documents.map(timeless) });
    if (page.next === null) return pages;
    after = page.next;
  }
}

/** Random sequences of steps: the subject must answer each as the oracle does. `open` gives both, empty. */
export async function checkDocumentModel(
  open: () => Promise<{ readonly oracle: DocumentPort; readonly subject: DocumentPort }>,
  runs: number,
): Promise<void> {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
    const { oracle, subject } = await open();
    for (const one of steps) expect(await play(subject, one)).toEqual(await play(oracle, one));
  });
  await fc.assert(property, { numRuns: runs });
}
