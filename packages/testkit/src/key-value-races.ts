import { createKeyValue, type KeyValue } from '@portolan/core';
import { expect } from 'vitest';
import type { AddCase, Case } from './suite.ts';

/** Two processes on one store. */
async function openTwo({ kit, backend }: Case): Promise<[KeyValue, KeyValue]> {
  const other = await kit.open();
  return [backend, other].map(({ keyValue: port }) => createKeyValue({ port, runtime: kit.runtime })) as [
    KeyValue,
    KeyValue,
  ];
}

/** Waits for work whose retries sleep, under manual time as well. */
async function finished<T>({ kit }: Case, work: Promise<T>[]): Promise<T[]> {
  let done: T[] | undefined;
  let failure: unknown;
  Promise.all(work).then(
    (all) => {
      done = all;
    },
    (error: unknown) => {
      failure = error;
    },
  );
  await kit.eventually('the work ends', () => done !== undefined || failure !== undefined);
  if (failure !== undefined) throw failure;
  return done ?? [];
}

const clients = (count: number) => Array.from({ length: count }, (_, at) => at);

export function keyValueRaceCases(test: AddCase): void {
  test('of many who set an absent key exactly one wins', async (one) => {
    const both = await openTwo(one);
    for (let round = 0; round < 5; round++) {
      const key = `round:${round}`;
      const results = await Promise.all(
        clients(40).map((at) => (both[at % 2] as KeyValue).set(key, at, { if: 'absent', ttlMs: 60_000 })),
      );
      const winners = results.flatMap((result, at) => (result.written ? [at] : []));
      expect(winners.length).toBe(1);
      expect(await both[0].get(key)).toBe(winners[0]);
    }
  });

  test('of many who replace one version exactly one wins', async (one) => {
    const both = await openTwo(one);
    await both[0].set('k', 'start');
    const version = (await both[0].entry('k'))?.version ?? '';
    const results = await Promise.all(clients(40).map((at) => (both[at % 2] as KeyValue).set('k', at, { version })));
    expect(results.filter((result) => result.written).length).toBe(1);
  });

  test('of many takers exactly one gets each value', async (one) => {
    const both = await openTwo(one);
    const keys = clients(10).map((at) => `item:${at}`);
    await both[0].setMany(keys.map((key) => ({ key, value: key })));
    const taken = await finished(
      one,
      clients(60).map((at) => (both[at % 2] as KeyValue).take(keys[at % 10] as string)),
    );
    expect(taken.filter((value) => value !== undefined).sort()).toEqual(keys.sort());
  });

  test('no update is lost', async (one) => {
    const both = await openTwo(one);
    const add = (now: unknown) => (typeof now === 'number' ? now : 0) + 1;
    await finished(
      one,
      clients(30).map((at) => (both[at % 2] as KeyValue).update('n', add, { attempts: 1_000 })),
    );
    expect(await both[0].get('n')).toBe(30);
  });

  test('nobody sees half of a commit', async (one) => {
    const [writer, reader] = await openTwo(one);
    const port = one.backend.keyValue;
    const writes = clients(50).map((at) =>
      writer.commit(
        [],
        [
          { op: 'setFields', key: '{t}', fields: { a: at } },
          { op: 'setFields', key: '{t}', fields: { b: at } },
        ],
      ),
    );
    const reads = clients(50).map(() => reader.getFields('{t}', ['a', 'b']));
    for (const seen of await Promise.all(reads)) expect(seen?.a).toBe(seen?.b);
    await Promise.all(writes);
    expect(await port.readFields('{t}')).toEqual({ a: '49', b: '49' });
  });

  test('a value and its expiry belong together', async (one) => {
    const [writer, reader] = await openTwo(one);
    const writes = clients(60).map((at) =>
      at % 2 ? writer.set('k', 'mortal', { ttlMs: 60_000 }) : writer.set('k', 'eternal'),
    );
    const entries = await Promise.all(clients(60).map(() => reader.entry('k')));
    for (const entry of entries) if (entry) expect(entry.value).toBe(entry.ttlMs === null ? 'eternal' : 'mortal');
    await Promise.all(writes);
    expect((await reader.entry('k'))?.value).toBe('mortal');
  });
}
