export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The value below which `part` (0 to 1) of the values lie, by the nearest rank. NaN for no values. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(Math.ceil(part * sorted.length) - 1, 0)] ?? Number.NaN;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return (low + high) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/**
 * How many times better than the base, round by round: above 1 is ahead, whether more is better or less. What slows the whole machine for a while slows both
 * sides of a round, so the ratios lie closer together than the figures.
 */
export function ratios(own: readonly number[], base: readonly number[], better: 'more' | 'less'): number[] {
  return own.slice(0, base.length).map((value, round) => {
    const other = base[round] as number;
    return better === 'more' ? value / other : other / value;
  });
}
