import { invalid } from './errors.ts';
import { checkKey } from './names.ts';
import { MAX_STEPS_ASIDE, type QueueLimits, type RunLimits, type StartRate } from './ports/queue-limits.ts';

/**
 * The arithmetic of a queue's limits and the order of a limited claim, for adapters that work in JavaScript (memory, SQLite); the Redis adapter says the
 * same in Lua, and the model-based test holds all three together.
 */

const MOST = { concurrency: 1_000_000, count: 1_000_000, ms: 366 * 86_400_000 };

/**
 * Checks limits, and leaves out what limits nothing: null when that is everything. Throws INVALID naming the field, also for one that is none: limits with a misspelt
 * name would lift those there are.
 */
export function checkQueueLimits(limits: QueueLimits | null): QueueLimits | null {
  if (limits === null) return null;
  checkFields(limits, ['concurrency', 'rate', 'group'], '');
  if (limits.group !== undefined) checkFields(limits.group, ['concurrency', 'rate'], 'group');
  return toQueueLimits(limits);
}

function checkFields(value: unknown, fields: readonly string[], where: string): void {
  const said = `${fields.slice(0, -1).join(', ')} and ${fields.at(-1)}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${where || 'limits'}: must be an object of ${said}`);
  }
  const stray = Object.keys(value).find((field) => !fields.includes(field));
  if (stray !== undefined) throw invalid(`${where && `${where}.`}${stray}: not a limit; there are ${said}`);
}

/** What a later version has added is passed over. */
function toQueueLimits(limits: QueueLimits | null): QueueLimits | null {
  if (limits === null) return null;
  const group = limits.group && checkRunLimits(limits.group, 'group.');
  const checked = { ...checkRunLimits(limits, ''), ...(group && Object.keys(group).length > 0 ? { group } : {}) };
  return Object.keys(checked).length > 0 ? checked : null;
}

function checkRunLimits({ concurrency, rate }: RunLimits, where: string): RunLimits {
  if (rate !== undefined && (typeof rate !== 'object' || rate === null))
    throw invalid(`${where}rate: must be a count and ms`);
  return {
    ...(concurrency === undefined ? {} : { concurrency: checkNumber(concurrency, 'concurrency', where) }),
    ...(rate === undefined
      ? {}
      : {
          rate: {
            count: checkNumber(rate.count, 'count', `${where}rate.`),
            ms: checkNumber(rate.ms, 'ms', `${where}rate.`),
          },
        }),
  };
}

function checkNumber(value: number, name: keyof typeof MOST, where: string): number {
  if (Number.isInteger(value) && value >= 1 && value <= MOST[name]) return value;
  throw invalid(`${where}${name}: must be a whole number from 1 to ${MOST[name]}`);
}

const MAX_GROUP_CHARACTERS = 256;

/** Checks the name of a group. Throws INVALID. */
export function checkGroup(group: string): string {
  if (group.length > MAX_GROUP_CHARACTERS) throw invalid(`group: longer than ${MAX_GROUP_CHARACTERS} characters`);
  return checkKey(group, 'group');
}

/** Limits as stores keep them: JSON, equal for equal limits. */
export function encodeQueueLimits(limits: QueueLimits): string {
  return JSON.stringify(checkQueueLimits(limits));
}

/** Throws INVALID for a text that `encodeQueueLimits` did not make. */
export function decodeQueueLimits(text: string): QueueLimits | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = undefined;
  }
  if (typeof found !== 'object') throw invalid('the limits of a queue: what is stored is not limits');
  return toQueueLimits(found as QueueLimits | null);
}

/** What counts against limits: the active jobs, and the starts in the window that began last. */
export interface Load {
  readonly active: number;
  readonly begunAt: number | null;
  readonly used: number;
}

/** How many more may start now; Infinity without limits. */
export function roomWithin({ concurrency, rate }: RunLimits, load: Load, now: number): number {
  const slots = concurrency === undefined ? Number.POSITIVE_INFINITY : Math.max(0, concurrency - load.active);
  return Math.min(slots, rate === undefined ? Number.POSITIVE_INFINITY : startsLeft(rate, load, now));
}

/** When the window ends that lets nothing start before; null when none does. */
export function restsUntil({ rate }: RunLimits, load: Load, now: number): number | null {
  return rate && load.begunAt !== null && startsLeft(rate, load, now) === 0 ? load.begunAt + rate.ms : null;
}

/** The window after so many starts. */
export function afterStarts(
  rate: StartRate,
  { begunAt, used }: Load,
  starts: number,
  now: number,
): Pick<Load, 'begunAt' | 'used'> {
  return isOver(rate, begunAt, now) ? { begunAt: now, used: starts } : { begunAt, used: used + starts };
}

/** No window is under way. */
export function isOver({ ms }: StartRate, begunAt: number | null, now: number): boolean {
  return begunAt === null || begunAt + ms <= now;
}

function startsLeft(rate: StartRate, { begunAt, used }: Load, now: number): number {
  return isOver(rate, begunAt, now) ? rate.count : Math.max(0, rate.count - used);
}

/** A group with jobs aside that may have room; the priority is that of its first. */
export interface ReadyGroup {
  readonly group: string;
  readonly priority: number;
}

/** A queue's line while a claim is made. What was taken counts at once. */
export interface LimitedLine {
  ready(): ReadyGroup | undefined;
  /** The first in the line proper. */
  head(): { readonly group: string | null; readonly priority: number } | undefined;
  hasRoom(group: string): boolean;
  takeHead(): void;
  /** Takes the first job aside of a group. */
  takeAside(group: string): void;
  /** The head, whose group has no room, moves to its group's line. */
  stepAside(): void;
  /** A ready group turns out to have no room. */
  rest(group: string): void;
}

/** Takes up to `room` jobs in the order that `QueueLimits` describes. False when it stopped early, having moved as much as one claim may. */
export function claimWithin(line: LimitedLine, room: number): boolean {
  let steps = MAX_STEPS_ASIDE;
  for (let taken = 0; taken < room; ) {
    if (steps === 0) return false;
    const ready = line.ready();
    const head = line.head();
    if (ready && (!head || ready.priority >= head.priority)) {
      if (line.hasRoom(ready.group)) {
        line.takeAside(ready.group);
        taken += 1;
      } else {
        line.rest(ready.group);
        steps -= 1;
      }
    } else if (!head) return true;
    else if (head.group === null || line.hasRoom(head.group)) {
      line.takeHead();
      taken += 1;
    } else {
      line.stepAside();
      steps -= 1;
    }
  }
  return true;
}
