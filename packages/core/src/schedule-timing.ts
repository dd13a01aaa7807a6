import { Cron } from 'croner';
import { invalid, PortolanError } from './errors.ts';
import { decodeJson } from './schema.ts';

/** When a schedule's ticks are: by `cron` or by `everyMs`. */
export interface Timing {
  /**
   * Five fields (minute, hour, day of month, month, day of week) or six with seconds in front; names, ranges, lists, steps, `L`, `#` and nicknames such as
   * `@daily`. A job of fixed hours (`30 2 * * *`) runs once on the days on which the clock is changed: at the first moment there is when its time is left
   * out, at the first of the two when it comes twice. One with `*` or a step goes on by the clock, so it also runs in the hour that comes twice.
   */
  readonly cron?: string;
  /** Of the cron expression, as in `Europe/Rome`; UTC if not said. */
  readonly timeZone?: string;
  /** At least 1,000. Counted from `startAt`, or else from the epoch: `3_600_000` is every full hour of UTC. */
  readonly everyMs?: number;
  /** ms since the epoch; no tick is before, and none after `endAt`. */
  readonly startAt?: number;
  readonly endAt?: number;
}

/** The ticks of a timing, in ms since the epoch. Pure: no clock is read. */
export interface Ticks {
  /** The first behind `ms`. */
  after(ms: number): number | null;
  /** The last `n` up to `ms`, the newest first; fewer where there are no more. */
  last(n: number, ms: number): number[];
}

const LEAST_MS = 1_000;
const MOST_MS = 10 * 366 * 86_400_000;
const MAX_TIME = 8.64e15;
const MAX_CRON = 200;

/** Checks a timing; throws INVALID naming the field. */
export function checkTiming({ cron, timeZone, everyMs, startAt, endAt }: Timing): Timing {
  if ((cron === undefined) === (everyMs === undefined)) throw invalid('cron, everyMs: one of the two');
  if (cron === undefined && timeZone !== undefined) throw invalid('timeZone: only with cron');
  if (cron !== undefined) checkCron(cron, timeZone);
  if (everyMs !== undefined && !(Number.isInteger(everyMs) && everyMs >= LEAST_MS && everyMs <= MOST_MS)) {
    throw invalid('everyMs: a whole number from 1,000 to ten years');
  }
  for (const [name, at] of Object.entries({ startAt, endAt })) {
    if (at !== undefined && !(Number.isInteger(at) && Math.abs(at) <= MAX_TIME)) {
      throw invalid(`${name}: a time in whole ms since the epoch`);
    }
  }
  if (startAt !== undefined && endAt !== undefined && endAt < startAt)
    throw invalid('endAt: must not be before startAt');
  return {
    ...(cron === undefined ? {} : { cron: cron.trim() }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(everyMs === undefined ? {} : { everyMs }),
    ...(startAt === undefined ? {} : { startAt }),
    ...(endAt === undefined ? {} : { endAt }),
  };
}

function checkCron(cron: string, timeZone: string | undefined): void {
  if (typeof cron !== 'string') throw invalid('cron: must be text');
  const text = cron.trim();
  const fields = text.split(/\s+/).length;
  if (timeZone !== undefined) checkTimeZone(timeZone);
  const said = `cron ${JSON.stringify(text.slice(0, MAX_CRON))}`;
  if (text.length > MAX_CRON || !(fields === 5 || fields === 6 || /^@\w+$/.test(text))) {
    throw invalid(`${said}: expected five fields, six with seconds, or a nickname such as @daily`);
  }
  // Would stand for the time at which it is read, which is another in each process.
  if (text.includes('?')) throw invalid(`${said}: ? is not supported`);
  try {
    if (toCron({ cron: text }).nextRun(new Date(0)) !== null) return;
  } catch (error) {
    throw invalid(`${said}: ${reasonOf(error)}`);
  }
  throw invalid(`${said}: it never comes`);
}

function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw invalid(`timeZone ${JSON.stringify(timeZone.slice(0, 100))}: not a known time zone`);
  }
}

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/^Cron\w+: /, '').slice(0, 200);

/** The text that the store keeps: as long as it stays the same, so does the next tick. */
export function encodeTiming({ cron, timeZone, everyMs, startAt, endAt }: Timing): string {
  return JSON.stringify({ cron, timeZone, everyMs, startAt, endAt });
}

/** Throws INTERNAL for what no process of this version wrote. */
export function decodeTiming(text: string, what: string): Timing {
  const value = decodeJson(text, what);
  try {
    return checkTiming(value as Timing);
  } catch (cause) {
    throw new PortolanError('INTERNAL', `${what} does not hold a timing`, { cause });
  }
}

export function ticksOf(timing: Timing): Ticks {
  const { startAt = Number.NEGATIVE_INFINITY, endAt = Number.POSITIVE_INFINITY } = timing;
  const every = timing.everyMs === undefined ? cronTicks(timing) : intervalTicks(timing.everyMs, timing.startAt ?? 0);
  return {
    after(ms) {
      const tick = every.after(Math.max(ms, startAt - 1));
      return tick !== null && tick <= endAt ? tick : null;
    },
    last: (n, ms) => every.last(n, Math.min(ms, endAt)).filter((tick) => tick >= startAt),
  };
}

function intervalTicks(everyMs: number, from: number): Ticks {
  return {
    after: (ms) => from + (Math.floor((ms - from) / everyMs) + 1) * everyMs,
    last: (n, ms) => {
      const newest = from + Math.floor((ms - from) / everyMs) * everyMs;
      return Array.from({ length: n }, (_, back) => newest - back * everyMs);
    },
  };
}

function toCron({ cron = '', timeZone = 'UTC' }: Timing): Cron {
  return new Cron(cron, { timezone: timeZone, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard', paused: true });
}

/** Some 0.2 ms a tick in a time zone of the earth. */
function cronTicks(timing: Timing): Ticks {
  const cron = toCron(timing);
  return {
    after: (ms) => cron.nextRun(new Date(ms))?.getTime() ?? null,
    // Counts back from the second that is told, without it.
    last: (n, ms) => cron.previousRuns(n, new Date(Math.floor(ms / 1_000) * 1_000 + 1_000)).map((run) => run.getTime()),
  };
}
