import type { Ticks } from './schedule-timing.ts';

/**
 * What becomes of ticks that nobody fired in time, since no worker was there or the store was away.
 *
 * `once`: one job for all of them, of the newest. `skip`: only the newest, and that if it is at most a minute late. `all`: a job for each, in order; of more
 * than 1,000 the newest.
 */
export type Missed = 'once' | 'skip' | 'all';
export const MISSED: readonly Missed[] = ['once', 'skip', 'all'];

export interface Plan {
  /** Those that make a job now, in order. */
  readonly ticks: readonly number[];
  /** The next, which may have come as well; null when there is none. */
  readonly nextAt: number | null;
}

const LATE_MS = 60_000;
const MOST_MISSED = 1_000;

/** What to do about the tick `at`, which has come, and those between it and `now`. At most `most` ticks at a time; pure. */
export function planTicks(ticks: Ticks, at: number, now: number, missed: Missed, most: number): Plan {
  if (missed === 'all') return planAll(ticks, at, now, most);
  const second = ticks.after(at);
  const [newest = at] = second !== null && second <= now ? ticks.last(1, now) : [];
  const tick = Math.max(at, newest);
  const late = missed === 'skip' && now - tick > LATE_MS;
  return { ticks: late ? [] : [tick], nextAt: ticks.after(Math.max(tick, now)) };
}

function planAll(ticks: Ticks, at: number, now: number, most: number): Plan {
  // What cannot be too many is not counted.
  const oldest = now - at < MOST_MISSED * ticks.spacingMs ? at : ticks.last(MOST_MISSED, now).at(-1);
  const planned: number[] = [];
  let tick: number | null = Math.max(at, oldest ?? at);
  for (; tick !== null && tick <= now && planned.length < most; tick = ticks.after(tick)) planned.push(tick);
  return { ticks: planned, nextAt: tick };
}
