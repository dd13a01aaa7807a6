import { describe, expect, it } from 'vitest';
import { planTicks } from '../src/schedule-plan.ts';
import { type Ticks, type Timing, ticksOf } from '../src/schedule-timing.ts';

const ms = (iso: string): number => Date.parse(iso);

describe('missed ticks', () => {
  const ticks = ticksOf({ everyMs: 60_000 });
  const at = 600_000;
  const unhurried = async () => undefined;

  it('none was missed: the one that came makes a job, whatever the policy', async () => {
    for (const missed of ['once', 'skip', 'all'] as const) {
      expect(await planTicks(ticks, at, at + 20, missed, unhurried)).toEqual({ ticks: [at], nextAt: at + 60_000 });
    }
  });

  it('once: one job of the newest for all of them', async () => {
    expect(await planTicks(ticks, at, at + 330_000, 'once', unhurried)).toEqual({
      ticks: [at + 300_000],
      nextAt: at + 360_000,
    });
  });

  it('skip: the newest if it is at most a minute late, else none', async () => {
    expect(await planTicks(ticks, at, at + 330_000, 'skip', unhurried)).toEqual({
      ticks: [at + 300_000],
      nextAt: at + 360_000,
    });
    const daily = ticksOf({ cron: '0 2 * * *' });
    const two = ms('2026-11-20T02:00:00Z');
    expect(await planTicks(daily, two, two + 60_000, 'skip', unhurried)).toMatchObject({ ticks: [two] });
    expect(await planTicks(daily, two, two + 60_001, 'skip', unhurried)).toEqual({
      ticks: [],
      nextAt: two + 86_400_000,
    });
  });

  it('all: each of them in order', async () => {
    const now = at + 330_000;
    const each = [0, 1, 2, 3, 4, 5].map((n) => at + n * 60_000);
    expect(await planTicks(ticks, at, now, 'all', unhurried)).toEqual({ ticks: each, nextAt: at + 360_000 });
  });

  it.each<[string, Timing]>([
    ['an interval', { everyMs: 60_000 }],
    ['cron', { cron: '* * * * *' }],
  ])('all: of more than 1,000 the newest 1,000 (%s)', async (_, timing) => {
    for (const count of [999, 1_000, 1_001, 5_000]) {
      const now = at + (count - 1) * 60_000 + 7;
      const plan = await planTicks(ticksOf(timing), at, now, 'all', unhurried);
      const kept = Math.min(count, 1_000);
      expect(plan.ticks).toEqual(Array.from({ length: kept }, (_, n) => at + (count - kept + n) * 60_000));
      expect(plan.nextAt).toBe(at + count * 60_000);
    }
  });

  it('all: few are not searched for among a thousand', async () => {
    const weekly = ticksOf({ cron: '0 9 * * 1' });
    const monday = ms('2026-11-16T09:00:00Z');
    let reckoned = 0;
    const counted: Ticks = {
      after(from) {
        reckoned += 1;
        return weekly.after(from);
      },
      last(n, until) {
        reckoned += n;
        return weekly.last(n, until);
      },
    };
    const plan = await planTicks(counted, monday, monday + 86_400_000, 'all', unhurried);
    expect(plan).toEqual({ ticks: [monday], nextAt: monday + 7 * 86_400_000 });
    expect(reckoned).toBeLessThanOrEqual(2);
  });

  it('all: the event loop has its turn between, forwards and backwards', async () => {
    const breaths: number[] = [];
    const breathe = async (some: number) => void breaths.push(some);
    await planTicks(ticks, at, at + 5_000 * 60_000, 'all', breathe);
    expect(Math.max(...breaths)).toBeLessThanOrEqual(5);
    expect(breaths.reduce((sum, some) => sum + some)).toBeGreaterThanOrEqual(2_000);
  });

  it('the last tick of all ends the schedule', async () => {
    const ending = ticksOf({ everyMs: 60_000, endAt: at + 60_000 });
    for (const missed of ['once', 'all'] as const) {
      expect(await planTicks(ending, at + 60_000, at + 60_005, missed, unhurried)).toEqual({
        ticks: [at + 60_000],
        nextAt: null,
      });
    }
    expect(await planTicks(ending, at, at + 600_000, 'once', unhurried)).toEqual({
      ticks: [at + 60_000],
      nextAt: null,
    });
  });
});
