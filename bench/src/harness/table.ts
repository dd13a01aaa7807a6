import { CLIENT_CPU, type Contender, type Measure, REDIS_CPU, type Result, valuesOf } from './contest.ts';
import { median, ratios, type Spread, spread } from './statistics.ts';

export type Row = readonly string[];

/** A result as a table: a row for each contender, the ratio to the base first. */
export function tableOf(result: Result): readonly Row[] {
  const { contenders, measures } = result.contest;
  const kept = measures.filter((measure) => contenders.some(({ name }) => valuesOf(result, name, measure).length > 0));
  const [judged, ...others] = kept;
  if (!judged) return [];
  const cpu = others.includes(CLIENT_CPU);
  return [
    [
      '',
      'ratio',
      '(least–most)',
      judged.label,
      '(least–most)',
      ...(cpu ? ['CPU ratio'] : []),
      ...others.map(({ label }) => label),
    ],
    ...contenders.map(({ name }) => {
      const ratio = ratioOf(result, name);
      const main = spread(valuesOf(result, name, judged));
      return [
        name,
        ratio ? `${ratio.median.toFixed(2)}x` : '',
        ratio ? `(${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)})` : '',
        short(main.median),
        `(${short(main.least)}–${short(main.most)})`,
        ...(cpu ? [cpuRatio(result, name)] : []),
        ...others.map((measure) => cell(result, name, measure)),
      ];
    }),
  ];
}

/** Of the judged measure; undefined for the base itself. */
export function ratioOf(result: Result, contender: string): Spread | undefined {
  const { base, measures } = result.contest;
  const [judged] = measures;
  if (!judged || contender === base) return undefined;
  return spread(ratios(valuesOf(result, contender, judged), valuesOf(result, base, judged), judged.better));
}

/** How many times less processor time an operation takes than the base's, this process and Redis together: other work on the machine hardly changes it. */
function cpuRatio(result: Result, contender: string): string {
  if (contender === result.contest.base) return '';
  const [own, base] = [contender, result.contest.base].map((name) => {
    const redis = valuesOf(result, name, REDIS_CPU);
    return valuesOf(result, name, CLIENT_CPU).map((us, round) => us + (redis[round] ?? 0));
  });
  return own?.length && base?.length ? `${median(ratios(own, base, 'less')).toFixed(2)}x` : '–';
}

function cell(result: Result, contender: string, measure: Measure): string {
  const values = valuesOf(result, contender, measure);
  return values.length > 0 ? short(spread(values).median) : '–';
}

/** Three digits that count: 1,234,567 is 1.23 M, 0.4711 is 0.471. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 999_500) return `${digits(value / 1e6)} M`;
  if (size >= 9_995) return `${digits(value / 1e3)} k`;
  if (size >= 1_000) return value.toLocaleString('en', { maximumFractionDigits: 0 });
  return digits(value);
}

const digits = (value: number): string => {
  const before = Math.abs(value) < 1 ? 0 : Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toFixed(Math.max(0, 3 - Math.max(before, 0)));
};

/** Lines of a result for a terminal. */
export function formatResult(result: Result): string {
  const { title, note } = result.contest;
  return [title, ...(note ? [`  ${note}`] : []), ...alignRows(tableOf(result)), ...behindOf(result)].join('\n');
}

function alignRows(rows: readonly Row[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const cells = row.map((text, column) =>
      column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
    );
    return `  ${cells.join('  ')}`.trimEnd();
  });
}

export function markdownTable(rows: readonly Row[]): string {
  const [head = [], ...body] = rows;
  const line = (row: Row) => `| ${row.join(' | ')} |`;
  return [
    line(head),
    `|---|${head
      .slice(1)
      .map(() => '---:|')
      .join('')}`,
    ...body.map(line),
  ].join('\n');
}

/** A sentence for each of Portolan's contenders that is slower than the base, or does not reach what it aims at. */
export function behindOf(result: Result): string[] {
  const { base, contenders } = result.contest;
  return contenders.flatMap((contender) => {
    const ratio = ratioOf(result, contender.name);
    return ratio && contender.own ? describeBehind(contender, ratio, base) : [];
  });
}

function describeBehind({ name, aim = 1 }: Contender, ratio: Spread, base: string): string[] {
  const reached = `${ratio.median.toFixed(2)}x (${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)})`;
  if (ratio.median < 1) return [`Behind: ${name} ${reached} of ${base}${aim === 1 ? '' : `, aim ${aim}x`}`];
  return ratio.median < aim ? [`Ahead, short of the aim of ${aim}x: ${name} ${reached} of ${base}`] : [];
}
