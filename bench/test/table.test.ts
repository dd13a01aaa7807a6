import { expect, test } from 'vitest';
import { type Figures, type Result, THROUGHPUT } from '../src/harness/contest.ts';
import { behindOf, formatResult, markdownTable, ratioOf, short, tableOf } from '../src/harness/table.ts';

const figures = (perSecond: number, clientUs: number, redisUs?: number): Figures => ({
  perSecond,
  clientUs,
  ...(redisUs === undefined ? {} : { redisUs }),
});

const result = (own: readonly Figures[], aim?: number): Result => ({
  contest: {
    title: 'Work',
    work: 'work',
    parameters: {},
    contenders: [
      { name: 'Peer', module: 'peer' },
      { name: 'Portolan', module: 'own', own: true, aim },
    ],
    base: 'Peer',
    measures: THROUGHPUT,
  },
  rounds: { Peer: [figures(100, 10, 10), figures(200, 10, 10), figures(100, 10, 10)], Portolan: own },
});

test('a table has a row for each contender, with the ratio of each round to the base', () => {
  expect(tableOf(result([figures(300, 5, 5), figures(400, 4, 6), figures(250, 5, 5)]))).toEqual([
    ['', 'ratio', '(least–most)', 'per second', '(least–most)', 'CPU ratio', 'µs CPU client', 'µs CPU Redis'],
    ['Peer', '', '', '100', '(100–200)', '', '10.0', '10.0'],
    ['Portolan', '2.50x', '(2.00–3.00)', '300', '(250–400)', '2.00x', '5.00', '5.00'],
  ]);
});

test('a measure that no contender has is left out, with the ratio that needs it', () => {
  const { contest } = result([]);
  const bare = { Peer: [{ perSecond: 1 }], Portolan: [{ perSecond: 2 }] };
  expect(tableOf({ contest, rounds: bare })[0]).toEqual(['', 'ratio', '(least–most)', 'per second', '(least–most)']);
});

test('the base has no ratio', () => {
  expect(ratioOf(result([figures(300, 5)]), 'Peer')).toBeUndefined();
});

test('who is slower than the base is behind, with and without an aim', () => {
  expect(behindOf(result([figures(90, 5)]))).toEqual(['Behind: Portolan 0.90x (0.90–0.90) of Peer']);
  expect(behindOf(result([figures(90, 5)], 3))).toEqual(['Behind: Portolan 0.90x (0.90–0.90) of Peer, aim 3x']);
});

test('who is faster than the base and misses the aim is told apart', () => {
  expect(behindOf(result([figures(200, 5)], 3))).toEqual([
    'Ahead, short of the aim of 3x: Portolan 2.00x (2.00–2.00) of Peer',
  ]);
});

test('who reaches the aim is not mentioned', () => {
  expect(behindOf(result([figures(300, 5)], 3))).toEqual([]);
  expect(behindOf(result([figures(100, 5)]))).toEqual([]);
});

test('an aim below 1 is a floor: who reaches it is still behind', () => {
  expect(behindOf(result([figures(90, 5)], 0.8))).toEqual(['Behind: Portolan 0.90x (0.90–0.90) of Peer, aim 0.8x']);
});

test('lines for a terminal stand in columns', () => {
  const lines = formatResult(result([figures(300, 5, 5)])).split('\n');
  expect(lines[0]).toBe('Work');
  expect(new Set(lines.slice(1).map((line) => line.length)).size).toBe(1);
});

test('a table in Markdown', () => {
  const rows = [
    ['', 'a'],
    ['x', '1'],
  ];
  expect(markdownTable(rows)).toBe('|  | a |\n|---|---:|\n| x | 1 |');
});

test('numbers keep three digits that count', () => {
  expect([0.04711, 0.4711, 4.711, 47.11, 471.1, 4_711, 47_110, 471_100, 4_711_000].map(short)).toEqual([
    ...['0.047', '0.471', '4.71', '47.1', '471', '4,711', '47.1 k', '471 k', '4.71 M'],
  ]);
  expect(short(Number.NaN)).toBe('–');
});
