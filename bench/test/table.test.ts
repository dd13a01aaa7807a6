import { expect, test } from 'vitest';
import { type Contender, type Figures, type Result, THROUGHPUT } from '../src/harness/contest.ts';
import { behindOf, partsOf, ratioOf } from '../src/harness/judge.ts';
import { formatResult, markdownTable, partsTable, short, tableOf } from '../src/harness/table.ts';

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
    ['', 'ratio', '(least–most)', 'CPU ratio', 'per second', '(least–most)', 'µs CPU client', 'µs CPU Redis'],
    ['Peer', '', '', '', '100', '(100–200)', '10.0', '10.0'],
    ['Portolan', '2.50x', '(2.00–3.00)', '2.00x', '300', '(250–400)', '5.00', '5.00'],
  ]);
});

test('a measure that no contender has is left out, with the ratio that needs it', () => {
  const { contest } = result([]);
  const bare = { Peer: [{ perSecond: 1 }], Portolan: [{ perSecond: 2 }] };
  expect(tableOf({ contest, rounds: bare })[0]).toEqual(['', 'ratio', '(least–most)', 'per second', '(least–most)']);
});

test('the base has no ratio', () => {
  const one = result([figures(300, 5)]);
  const [peer, own] = one.contest.contenders as [Contender, Contender];
  expect(ratioOf(one, peer)).toBeUndefined();
  expect(ratioOf(one, own)?.median).toBe(3);
});

test('a contender may be compared with another than the base, which the table then names', () => {
  const one = result([figures(300, 5)]);
  const third = { name: 'Port', module: 'port', against: 'Portolan', own: true };
  const contest = { ...one.contest, contenders: [...one.contest.contenders, third] };
  const all: Result = { contest, rounds: { ...one.rounds, Port: [{ perSecond: 150 }] } };
  expect(tableOf(all).map((row) => row.slice(0, 3))).toEqual([
    ['', 'compared with', 'ratio'],
    ['Peer', '', ''],
    ['Portolan', 'Peer', '3.00x'],
    ['Port', 'Portolan', '0.50x'],
  ]);
  expect(behindOf(all)).toEqual(['Behind: Port 0.50x (0.50–0.50) of Portolan']);
});

test('a part is what one contender takes more than another, round by round', () => {
  const one = result([figures(300, 5, 1), figures(300, 30, 1), figures(300, 9, 1)]);
  const parts = [
    { label: 'peer', of: 'Peer' },
    { label: 'more', of: 'Portolan', less: 'Peer' },
  ];
  const all: Result = { ...one, contest: { ...one.contest, parts } };
  expect(partsOf(all)).toEqual([
    { label: 'peer', median: 20, least: 20, most: 20 },
    { label: 'more', median: -10, least: -14, most: 11 },
  ]);
  expect(partsTable(all)[2]).toEqual(['more', '-10.00', '(-14.00–11.00)']);
  expect(partsTable(one)).toEqual([]);
});

const rate = (perSecond: number): Figures => ({ perSecond });

test('who is slower than the base is behind, with and without an aim', () => {
  expect(behindOf(result([rate(90)]))).toEqual(['Behind: Portolan 0.90x (0.90–0.90) of Peer']);
  expect(behindOf(result([rate(90)], 3))).toEqual(['Behind the aim of 3x: Portolan 0.90x (0.90–0.90) of Peer']);
});

test('processor time is told beside the ratio where it was measured', () => {
  expect(behindOf(result([figures(90, 30, 10)]))).toEqual([
    'Behind: Portolan 0.90x (0.90–0.90) of Peer, by processor time 0.50x (0.50–0.50)',
  ]);
});

test('who is faster than the base and misses the aim is told apart', () => {
  expect(behindOf(result([rate(200)], 3))).toEqual([
    'Ahead, short of the aim of 3x: Portolan 2.00x (2.00–2.00) of Peer',
  ]);
});

test('who is slower than another peer, or another setting of it, is behind; a reference is no peer', () => {
  const one = result([rate(150)], 1.5);
  const faster = { name: 'Peer, tuned', module: 'peer' };
  const possible = { name: 'nothing at all', module: 'none', reference: true };
  const contest = { ...one.contest, contenders: [...one.contest.contenders, faster, possible] };
  const rounds = { ...one.rounds, 'Peer, tuned': [rate(200)], 'nothing at all': [rate(1_000)] };
  expect(behindOf({ contest, rounds })).toEqual(['Behind: Portolan 0.75x (0.75–0.75) of Peer, tuned']);
});

test('who reaches the aim is not mentioned', () => {
  expect(behindOf(result([rate(300)], 3))).toEqual([]);
  expect(behindOf(result([rate(100)]))).toEqual([]);
});

test('an aim below 1 is a floor: who reaches it is still behind', () => {
  expect(behindOf(result([rate(90)], 0.8))).toEqual([
    'Behind, within the floor of 0.8x: Portolan 0.90x (0.90–0.90) of Peer',
  ]);
  expect(behindOf(result([rate(70)], 0.8))).toEqual(['Behind the aim of 0.8x: Portolan 0.70x (0.70–0.70) of Peer']);
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
