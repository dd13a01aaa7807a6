import { describe, expect, it } from 'vitest';
import { checkTiming, decodeTiming, encodeTiming, type Timing, ticksOf } from '../src/schedule-timing.ts';

const ms = (iso: string): number => Date.parse(iso);
const iso = (at: number | null): string | null =>
  at === null ? null : new Date(at).toISOString().replace('.000Z', 'Z');

/** The next `n` ticks behind a time. */
function next(timing: Timing, from: string, n: number): (string | null)[] {
  const ticks = ticksOf(checkTiming(timing));
  const found: (string | null)[] = [];
  for (let at: number | null = ms(from); at !== null && found.length < n; ) {
    at = ticks.after(at);
    found.push(iso(at));
  }
  return found;
}

describe('ticks of a cron expression', () => {
  it('are in UTC unless a zone is named', () => {
    expect(next({ cron: '0 9 * * 1-5' }, '2026-11-20T09:00:00Z', 2)).toEqual([
      '2026-11-23T09:00:00Z',
      '2026-11-24T09:00:00Z',
    ]);
    expect(next({ cron: '0 9 * * MON-FRI', timeZone: 'Europe/Rome' }, '2026-11-20T09:00:00Z', 1)).toEqual([
      '2026-11-23T08:00:00Z',
    ]);
    expect(next({ cron: '*/20 * * * * *' }, '2026-11-20T09:00:00.001Z', 2)).toEqual([
      '2026-11-20T09:00:20Z',
      '2026-11-20T09:00:40Z',
    ]);
    expect(next({ cron: '@daily' }, '2026-11-20T09:00:00Z', 1)).toEqual(['2026-11-21T00:00:00Z']);
    expect(next({ cron: '0 0 L * *' }, '2026-11-20T09:00:00Z', 1)).toEqual(['2026-11-30T00:00:00Z']);
  });

  it('a fixed hour that the day leaves out comes at the first moment there is', () => {
    expect(next({ cron: '30 2 * * *', timeZone: 'Europe/Rome' }, '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:30:00Z',
    ]);
    expect(next({ cron: '30 2,14 * * *', timeZone: 'Europe/Rome' }, '2026-03-28T14:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-29T12:30:00Z',
    ]);
    expect(next({ cron: '30 2 * * *', timeZone: 'America/New_York' }, '2026-03-07T12:00:00Z', 2)).toEqual([
      '2026-03-08T07:00:00Z',
      '2026-03-09T06:30:00Z',
    ]);
  });

  it('a fixed hour that comes twice is one tick, the first', () => {
    expect(next({ cron: '30 2 * * *', timeZone: 'Europe/Rome' }, '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ]);
  });

  it('what runs all day goes on through both', () => {
    const half = { cron: '*/30 * * * *', timeZone: 'Europe/Rome' };
    const each = (from: string, n: number) => Array.from({ length: n }, (_, at) => iso(ms(from) + at * 1_800_000));
    expect(next(half, '2026-03-29T00:10:00Z', 6)).toEqual(each('2026-03-29T00:30:00Z', 6));
    expect(next(half, '2026-10-24T23:40:00Z', 8)).toEqual(each('2026-10-25T00:00:00Z', 8));
  });

  it('a zone half an hour off its neighbours, and one that changes by half an hour', () => {
    expect(next({ cron: '0 9 * * *', timeZone: 'Asia/Kolkata' }, '2026-11-20T09:00:00Z', 1)).toEqual([
      '2026-11-21T03:30:00Z',
    ]);
    expect(next({ cron: '15 2 * * *', timeZone: 'Australia/Lord_Howe' }, '2026-10-03T00:00:00Z', 2)).toEqual([
      '2026-10-03T15:30:00Z',
      '2026-10-04T15:15:00Z',
    ]);
  });

  it.each([
    ['30 2 * * *', 'Europe/Rome'],
    ['*/7 1-4 * * *', 'Europe/Rome'],
    ['0 0 29 2 *', 'UTC'],
    ['15 30 2 * * SUN', 'America/New_York'],
    ['0 * * * *', 'Australia/Lord_Howe'],
  ])('are the same forwards and backwards: %s in %s', (cron, timeZone) => {
    const ticks = ticksOf({ cron, timeZone });
    for (const [from, to] of [
      ['2026-03-27T00:00:00Z', '2026-04-06T00:00:00Z'],
      ['2026-10-01T00:00:00Z', '2026-11-03T00:00:00Z'],
    ] as const) {
      const forwards: number[] = [];
      for (let at = ticks.after(ms(from)); at !== null && at <= ms(to); at = ticks.after(at)) forwards.push(at);
      expect(ticks.last(forwards.length, ms(to)).map(iso)).toEqual(forwards.toReversed().map(iso));
      for (const at of forwards.slice(0, 50)) {
        expect(ticks.last(1, at)).toEqual([at]);
        expect(ticks.last(1, at + 1)).toEqual([at]);
        expect(ticks.after(at - 1)).toBe(at);
      }
    }
  });
});

describe('ticks of an interval', () => {
  it('are counted from the epoch, or from startAt', () => {
    expect(next({ everyMs: 3_600_000 }, '2026-11-20T09:10:00Z', 2)).toEqual([
      '2026-11-20T10:00:00Z',
      '2026-11-20T11:00:00Z',
    ]);
    const from = { everyMs: 3_600_000, startAt: ms('2026-11-20T09:15:00Z') };
    expect(next(from, '2026-11-20T08:00:00Z', 2)).toEqual(['2026-11-20T09:15:00Z', '2026-11-20T10:15:00Z']);
    expect(ticksOf(from).last(5, ms('2026-11-20T10:15:00Z')).map(iso)).toEqual([
      '2026-11-20T10:15:00Z',
      '2026-11-20T09:15:00Z',
    ]);
  });

  it('end at endAt, which may be one', () => {
    const endAt = ms('2026-11-20T11:00:00Z');
    expect(next({ everyMs: 3_600_000, endAt }, '2026-11-20T09:10:00Z', 5)).toEqual([
      '2026-11-20T10:00:00Z',
      '2026-11-20T11:00:00Z',
      null,
    ]);
    expect(next({ cron: '0 * * * *', endAt: endAt - 1 }, '2026-11-20T09:10:00Z', 5)).toEqual([
      '2026-11-20T10:00:00Z',
      null,
    ]);
    expect(
      ticksOf({ everyMs: 3_600_000, endAt })
        .last(1, endAt + 7_200_000)
        .map(iso),
    ).toEqual([iso(endAt)]);
  });
});

describe('a timing', () => {
  it.each<[string, Timing, string]>([
    ['nothing', {}, 'cron, everyMs'],
    ['both', { cron: '* * * * *', everyMs: 1_000 }, 'cron, everyMs'],
    ['a zone for an interval', { everyMs: 1_000, timeZone: 'UTC' }, 'timeZone'],
    ['no fields', { cron: '' }, 'cron'],
    ['four fields', { cron: '* * * *' }, 'cron'],
    ['seven fields', { cron: '* * * * * * *' }, 'cron'],
    ['a minute that is none', { cron: '61 * * * *' }, 'cron'],
    ['words', { cron: 'every day at nine o clock' }, 'cron'],
    ['a date', { cron: '2026-01-01T00:00:00' }, 'cron'],
    ['an unknown nickname', { cron: '@sometimes' }, 'cron'],
    ['the time of the process', { cron: '? * * * *' }, 'cron'],
    ['a day that never comes', { cron: '0 0 30 2 *' }, 'cron'],
    ['a long text', { cron: `${'1,'.repeat(200)}1 * * * *` }, 'cron'],
    ['a zone nobody knows', { cron: '* * * * *', timeZone: 'Europe/Atlantis' }, 'timeZone'],
    ['no zone', { cron: '* * * * *', timeZone: '' }, 'timeZone'],
    ['too often', { everyMs: 999 }, 'everyMs'],
    ['no number', { everyMs: Number.NaN }, 'everyMs'],
    ['no time', { everyMs: 1_000, startAt: 0.5 }, 'startAt'],
    ['an end before the start', { everyMs: 1_000, startAt: 2_000, endAt: 1_000 }, 'endAt'],
  ])('is refused: %s', (_, timing, field) => {
    expect(() => checkTiming(timing)).toThrow(expect.objectContaining({ code: 'INVALID' }));
    expect(() => checkTiming(timing)).toThrow(new RegExp(`^${field}\\b`));
  });

  it('comes back from its text, which does not depend on the order in which it was said', () => {
    const said = { endAt: 5_000, cron: ' @hourly ', timeZone: 'Europe/Rome' };
    const text = encodeTiming(checkTiming(said));
    expect(text).toBe(encodeTiming(checkTiming({ timeZone: 'Europe/Rome', cron: '@hourly', endAt: 5_000 })));
    expect(decodeTiming(text, 'it')).toEqual({ ...said, cron: '@hourly' });
    for (const other of ['{}', 'null', '7', '{', '{"everyMs":"1000"}']) {
      expect(() => decodeTiming(other, 'it')).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    }
  });
});
