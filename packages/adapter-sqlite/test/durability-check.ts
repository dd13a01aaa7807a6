import { type Backend, encodeIndexKey, type JobRecord } from '@portolan/core';
import { expect } from 'vitest';
import { JOBS, type Ledger } from './durability-ledger.ts';

/** Of a kind that had one write under way: all that was acknowledged is there, and at most that one more. */
function expectReached(what: string, found: number, acknowledged: number): void {
  expect(found, what).toBeGreaterThanOrEqual(acknowledged);
  expect(found, what).toBeLessThanOrEqual(acknowledged + 1);
}

/** What the writer alone wrote. Both halves of each write agree. */
export async function checkOwn(backend: Backend, { writer, acknowledged }: Ledger): Promise<void> {
  const keys = await backend.keyValue.read([`{${writer}}a`, `{${writer}}b`], { as: 'text' });
  const [a, b] = keys.map((one) => Number(one?.value ?? 0));
  expect(a, `keys of ${writer}`).toBe(b);
  expectReached(`keys of ${writer}`, a ?? 0, acknowledged.keys);

  const [counter] = await backend.counter.read([writer]);
  expectReached(`counter of ${writer}`, counter?.value ?? 0, acknowledged.counter);

  const documents = await backend.document.read('d', [`${writer}a`, `${writer}b`]);
  const [first, second] = documents;
  expect(first?.body, `documents of ${writer}`).toBe(second?.body);
  const n = first ? (JSON.parse(first.body) as { n: number }).n : 0;
  expectReached(`documents of ${writer}`, n, acknowledged.documents);
  if (!first || !second) return;
  expect(second.revision, `revisions of ${writer}`).toBe(first.revision + 1);
  const [from, to] = [n, n + 1].map((key) => encodeIndexKey(key, 'n'));
  const page = await backend.document.scan('d', { index: 'n', from, to, limit: 1_000 });
  expect(page.documents.map((one) => one.id)).toEqual(expect.arrayContaining([first.id, second.id]));
}

/** The index has every document once, under its present value. */
export async function checkIndex(backend: Backend): Promise<void> {
  const walk = async (index: string | null) => {
    const found: { id: string; n: number }[] = [];
    for (let after: string | undefined, more = true; more; ) {
      const page = await backend.document.scan('d', { index, after, limit: 1_000 });
      found.push(...page.documents.map(({ id, body }) => ({ id, n: (JSON.parse(body) as { n: number }).n })));
      after = page.next ?? undefined;
      more = page.next !== null;
    }
    return found;
  };
  const byIndex = await walk('n');
  expect(byIndex.map((one) => one.n)).toEqual(byIndex.map((one) => one.n).sort((a, b) => a - b));
  expect(byIndex.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(await walk(null));
}

/** The jobs of a round: both of a push or none, and what was acknowledged as completed is. */
export async function checkJobs(backend: Backend, round: string, ledgers: readonly Ledger[]): Promise<void> {
  const queue = JOBS + round;
  const completed = new Set(ledgers.flatMap((one) => one.completed));
  for (const { writer, acknowledged } of ledgers) {
    const ids = Array.from({ length: acknowledged.pushed + 1 }, (_, at) => [
      `${writer}.${at + 1}.a`,
      `${writer}.${at + 1}.b`,
    ]).flat();
    const found = new Map<string, JobRecord>();
    for (let at = 0; at < ids.length; at += 500) {
      const { jobs } = await backend.queue.inspect({ of: 'jobs', queue, ids: ids.slice(at, at + 500) });
      for (const job of jobs) found.set(job.id, job);
    }
    expect(found.size % 2, `pairs of jobs of ${writer}`).toBe(0);
    expectReached(`jobs of ${writer}`, found.size / 2, acknowledged.pushed);
    for (const id of completed) {
      if (!id.startsWith(`${writer}.`)) continue;
      expect(found.get(id)?.state, id).toBe('completed');
      completed.delete(id);
    }
  }
  expect([...completed]).toEqual([]);
}

/** The topic of a round: no hole, both messages of an append side by side, everything acknowledged under its cursor. */
export async function checkTopic(backend: Backend, round: string, ledgers: readonly Ledger[]): Promise<void> {
  const kept = new Map<string, string>();
  for (let after = 'start', more = true; more; ) {
    const [page] = await backend.broadcast.read([{ topic: `t${round}`, after }], 1_000);
    if (!page) throw new Error('no answer');
    for (const { cursor, data } of page.messages) kept.set(cursor, data);
    ({ cursor: after, more } = page);
  }
  const sequences = [...kept.keys()].map((cursor) => Number(cursor.split('-')[1]));
  expect(sequences).toEqual(sequences.map((_, at) => at + 1));
  const said = [...kept.values()].map((data) => JSON.parse(data) as [writer: string, n: number, half: string]);
  for (let at = 0; at < said.length; at += 2) {
    const [writer, n] = said[at] ?? [];
    expect(said.slice(at, at + 2)).toEqual([
      [writer, n, 'a'],
      [writer, n, 'b'],
    ]);
  }
  for (const { writer, acknowledged, cursors } of ledgers) {
    const last = Math.max(0, ...said.filter((one) => one[0] === writer).map((one) => one[1]));
    expectReached(`messages of ${writer}`, last, acknowledged.topic);
    cursors.forEach((pair, at) => {
      expect(pair.map((cursor) => kept.get(cursor))).toEqual(
        ['a', 'b'].map((half) => JSON.stringify([writer, at + 1, half])),
      );
    });
  }
}
