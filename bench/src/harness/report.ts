import type { Result } from './contest.ts';
import { behindOf } from './judge.ts';
import { markdownTable, partsTable, tableOf } from './table.ts';

/** What a run was made on and with. */
export interface Setting {
  /** Names and what they say, in order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly rounds: number;
  readonly quick: boolean;
  /** Other work took the processors meanwhile. */
  readonly busy: boolean;
}

const RULES = [
  'One private `redis-server` for all, without persistence, emptied before each run; SQLite files are new for each run, in WAL mode with `synchronous=normal`.',
  'Every run is a process of its own. In each round every contender runs once, and the one that begins changes with the round.',
  'A tenth of the work comes first and is neither counted nor timed: connections open, scripts loaded, code compiled. The same for all.',
  'Same payload (170 bytes of JSON) and result, same number of finished jobs kept with their results, same callers. Where a peer has a faster setting it is measured too.',
  'The ratio is taken within a round and above 1 is ahead, whether more is better or less; given are the median and, in brackets, the least and the most of the rounds.',
  '“µs CPU” is the processor time of one operation, “client” that of the process that works through the library, “Redis” that of the server. The CPU ratio adds them up. It tells more than the ratio when the machine does other work, for it changes less then.',
  'Absolute figures are of this machine at that time, with everything on the same processors: they serve to make ratios, and for nothing else.',
];

const BUSY =
  'The machine did much other work during this run: the ratios of time are uncertain, as their ranges show, and the CPU ratios are the better guide.';

/** docs/benchmarks.md: everything in it comes from the results. */
export function reportOf(suites: ReadonlyMap<string, readonly Result[]>, setting: Setting): string {
  const results = [...suites.values()].flat();
  const behind = results.flatMap((result) => behindOf(result).map((line) => `- ${result.contest.title}. ${line}.`));
  return [
    '# Benchmarks',
    '',
    `Written by \`pnpm bench\`${setting.quick ? ' (a short run)' : ''}; to be written again by it, never by hand. \`pnpm bench NAME\` measures one part.`,
    '',
    '## Machine',
    '',
    ...setting.facts.map(([name, value]) => `- ${name}: ${value}`),
    `- Rounds: ${setting.rounds}`,
    ...(setting.busy ? ['', BUSY] : []),
    '',
    '## Rules',
    '',
    ...RULES.map((rule) => `- ${rule}`),
    '',
    '## Where Portolan is behind',
    '',
    'Every comparison in which Portolan is slower than a peer, in whatever setting of the peer, or short of what it aims at.',
    '',
    ...(behind.length > 0 ? behind : ['Nowhere in this run.']),
    '',
    ...[...suites].flatMap(([name, list]) => [`## \`pnpm bench ${name}\``, '', ...list.flatMap(section)]),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function section(result: Result): string[] {
  const { title, note } = result.contest;
  const tables = [tableOf(result), partsTable(result)].filter((rows) => rows.length > 0);
  return [`### ${title}`, '', ...(note ? [note, ''] : []), ...tables.flatMap((rows) => [markdownTable(rows), ''])];
}
