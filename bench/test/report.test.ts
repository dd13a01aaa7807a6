import { expect, test } from 'vitest';
import type { Result } from '../src/harness/contest.ts';
import { reportOf } from '../src/harness/report.ts';

const result = (title: string, own: number): Result => ({
  contest: {
    title,
    work: 'work',
    parameters: {},
    contenders: [
      { name: 'Peer', module: 'peer' },
      { name: 'Portolan', module: 'own', own: true },
    ],
    base: 'Peer',
    measures: [{ key: 'perSecond', label: 'per second', better: 'more' }],
    note: 'A note.',
  },
  rounds: { Peer: [{ perSecond: 100 }], Portolan: [{ perSecond: own }] },
});
const setting = { facts: [['Node', '24']] as [string, string][], rounds: 5, quick: false, busy: false };

test('a report holds the machine, who is behind, and a table for each contest', () => {
  // As the figures come from a suite's process.
  const results: Result[] = JSON.parse(JSON.stringify([result('Fast work', 200), result('Slow work', 50)]));
  const report = reportOf(new Map([['queue', results]]), setting);
  expect(report).toContain('- Node: 24\n- Rounds: 5\n');
  expect(report).toContain('\n- Slow work. Behind: Portolan 0.50x (0.50–0.50) of Peer.\n');
  expect(report).not.toContain('- Fast work.');
  expect(report).toContain('## `pnpm bench queue`\n\n### Fast work\n\nA note.\n\n|  | ratio |');
  expect(report).toContain('| Portolan | 2.00x | (2.00–2.00) | 200 | (200–200) |');
});

test('a report of a run without a defeat says so', () => {
  expect(reportOf(new Map([['queue', [result('Fast work', 200)]]]), setting)).toContain('Nowhere in this run.');
});

test('a short run is told, and a busy machine', () => {
  expect(reportOf(new Map(), { ...setting, busy: true })).toContain('much other work');
  expect(reportOf(new Map(), setting)).not.toContain('much other work');
  expect(reportOf(new Map(), { ...setting, quick: true })).toContain('(a short run)');
});
