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
  /** The next, which has not come yet; null when there is none. */
  readonly nextAt: number | null;
}

/** Called before so many ticks are reckoned, in cron some 0.2 ms each: the event loop may have its turn. */
export type Breathe = (ticks: number) => Promise<void>;

const LATE_MS = 60_000;
const MOST_MISSED = 1_000;
/** Reckoned backwards in one go. */
const PIECE = 5;

/** What to do about the tick `at`, which has come, and those between it and `now`. At most 1,000 ticks; reads no clock. */
export async function planTicks(
  ticks: Ticks,
  at: number,
  now: number,
  missed: Missed,
  breathe: Breathe,
): Promise<Plan> {
  if (missed === 'all') return planAll(ticks, at, now, breathe);
  await breathe(3);
  const second = ticks.after(at);
  const [newest = at] = second !== null && second <= now ? ticks.last(1, now) : [];
  const tick = Math.max(at, newest);
  const late = missed === 'skip' && now - tick > LATE_MS;
  const nextAt = ticks.after(Math.max(tick, now));
  return { ticks: late ? [] : [tick], nextAt };
}

/** Reckons forwards, since mostly few were missed; backwards only for the newest of too many. */
async function planAll(ticks: Ticks, at: number, now: number, breathe: Breathe): Promise<Plan> {
  const planned: number[] = [];
  let tick: number | null = at;
  for (; tick !== null && tick <= now && planned.length <= MOST_MISSED; tick = ticks.after(tick)) {
    planned.push(tick);
    await breathe(1);
  }
  if (planned.length <= MOST_MISSED) return { ticks: planned, nextAt: tick };
  const newest: number[] = [];
  for (let until = now; newest.length < MOST_MISSED; until = (newest.at(-1) ?? at) - 1) {
    await breathe(PIECE);
    newest.push(...ticks.last(PIECE, until));
  }
  return { ticks: newest.toReversed(), nextAt: ticks.after(now) };
}
