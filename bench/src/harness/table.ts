import { type Contender, type Measure, type Result, valuesOf } from './contest.ts';
import { baseOf, behindOf, cpuRatioOf, partsOf, ratioOf } from './judge.ts';
import { spread } from './statistics.ts';

export type Row = readonly string[];

interface Column {
  readonly head: string;
  cell(contender: Contender): string;
}

/** A result as a table: a row for each contender, the ratio to its peer first. A column that would be empty is left out. */
export function tableOf(result: Result): readonly Row[] {
  const { contenders, measures } = result.contest;
  const [judged, ...others] = measures;
  if (!judged) return [];
  const several = contenders.some(({ against }) => against !== undefined);
  const columns: Column[] = [
    { head: '', cell: ({ name }) => name },
    ...(several ? [{ head: 'compared with', cell: (one: Contender) => baseOf(result, one) ?? '' }] : []),
    { head: 'ratio', cell: (one) => times(ratioOf(result, one)?.median) },
    { head: '(least–most)', cell: (one) => range(ratioOf(result, one), (value) => value.toFixed(2)) },
    { head: 'CPU ratio', cell: (one) => times(cpuRatioOf(result, one)?.median) },
    { head: judged.label, cell: medianOf(result, judged) },
    { head: '(least–most)', cell: ({ name }) => range(spread(valuesOf(result, name, judged)), short) },
    ...others.map((measure) => ({ head: measure.label, cell: medianOf(result, measure) })),
  ];
  const filled = columns
    .map(({ head, cell }) => [head, ...contenders.map(cell)])
    .filter((column) => column.slice(1).some((text) => text !== ''));
  return ['', ...contenders].map((_, at) => filled.map((column) => column[at] as string));
}

/** Where the time of an operation goes. */
export function partsTable(result: Result): readonly Row[] {
  const parts = partsOf(result);
  if (parts.length === 0) return [];
  return [
    ['where the time goes', 'µs CPU', '(least–most)'],
    ...parts.map((part) => [part.label, signed(part.median), range(part, signed)]),
  ];
}

/** Lines of a result for a terminal. */
export function formatResult(result: Result): string {
  const { title, note } = result.contest;
  const tables = [...alignRows(tableOf(result)), ...alignRows(partsTable(result))];
  return [title, ...(note ? [`  ${note}`] : []), ...tables, ...behindOf(result)].join('\n');
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
  const rule = `|---|${'---:|'.repeat(head.length - 1)}`;
  return [line(head), rule, ...body.map(line)].join('\n');
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

function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 1 ? 3 : Math.max(0, 2 - Math.floor(Math.log10(size))));
}

const signed = (value: number): string => value.toFixed(2);
const times = (ratio: number | undefined): string => (ratio === undefined ? '' : `${ratio.toFixed(2)}x`);

const range = (of: { least: number; most: number } | undefined, text: (value: number) => string): string =>
  of && Number.isFinite(of.least) ? `(${text(of.least)}–${text(of.most)})` : '';

const medianOf =
  (result: Result, measure: Measure) =>
  ({ name }: Contender): string => {
    const values = valuesOf(result, name, measure);
    return values.length > 0 ? short(spread(values).median) : '';
  };
