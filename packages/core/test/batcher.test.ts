import { expect, it } from 'vitest';
import { Batcher } from '../src/batcher.ts';

function setup(maxItems = 3, maxSize = 100, beside = false) {
  const calls: { items: readonly number[]; answer: PromiseWithResolvers<readonly string[]> }[] = [];
  const batcher = new Batcher<number, string>({
    send(items) {
      const answer = Promise.withResolvers<readonly string[]>();
      calls.push({ items, answer });
      return answer.promise;
    },
    maxItems,
    sizeOf: (item) => item,
    maxSize,
    maxInFlight: 2,
    beside,
  });
  return { calls, batcher };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('sends at once when idle, collects while two calls are under way, keeps the order', async () => {
  const { calls, batcher } = setup(10);
  const results = [batcher.add(1), batcher.add(2)];
  await settled();
  results.push(batcher.add(3));
  await settled();
  results.push(batcher.add(4), batcher.add(5));
  await settled();
  expect(calls.map((call) => call.items)).toEqual([[1, 2], [3]]);
  calls[0]?.answer.resolve(['a', 'b']);
  await settled();
  expect(calls.map((call) => call.items)).toEqual([[1, 2], [3], [4, 5]]);
  calls[1]?.answer.resolve(['c']);
  calls[2]?.answer.resolve(['d', 'e']);
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it('sends many that find nothing under way in two calls, if the store works beside the process', async () => {
  for (const [beside, sizes] of [
    [true, [10, 10]],
    [false, [20]],
  ] as const) {
    const { calls, batcher } = setup(100, 100, beside);
    const results = Array.from({ length: 20 }, (_, n) => batcher.add(n % 2));
    await settled();
    expect(calls.map(({ items }) => items.length)).toEqual(sizes);
    for (const { items, answer } of calls) answer.resolve(items.map(String));
    expect(await Promise.all(results)).toEqual(Array.from({ length: 20 }, (_, n) => String(n % 2)));
  }
  const few = setup(100, 100, true);
  const results = Array.from({ length: 19 }, () => few.batcher.add(1));
  await settled();
  expect(few.calls).toHaveLength(1);
  few.calls[0]?.answer.resolve(Array<string>(19).fill('a'));
  await Promise.all(results);
});

it('bounds a batch by number and by size, yet sends what is too large alone', async () => {
  const { calls, batcher } = setup();
  const all = [60, 60, 500, 1, 1, 1, 1].map((item) => batcher.add(item));
  for (let n = 0; n < 6; n += 1) {
    await settled();
    calls[n]?.answer.resolve((calls[n]?.items ?? []).map(String));
  }
  await Promise.all(all);
  expect(calls.map((call) => call.items)).toEqual([[60], [60], [500], [1, 1, 1], [1]]);
});

it('a failed call fails its own items only', async () => {
  const { calls, batcher } = setup(1);
  const first = batcher.add(1);
  const second = batcher.add(2);
  await settled();
  calls[0]?.answer.reject(new Error('gone'));
  calls[1]?.answer.resolve(['ok']);
  await expect(first).rejects.toThrow('gone');
  expect(await second).toBe('ok');
});
