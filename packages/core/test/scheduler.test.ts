import { Cron } from 'croner';
import { afterEach, expect, it, vi } from 'vitest';
import type { QueuePort } from '../src/ports/queue.ts';
import type { ScheduleRecord } from '../src/ports/queue-schedule.ts';
import { createRuntime } from '../src/runtime.ts';
import { encodeTiming } from '../src/schedule-timing.ts';
import { Scheduler } from '../src/worker/scheduler.ts';

const HOUR = 3_600_000;

afterEach(() => vi.restoreAllMocks());

it('many schedules that were missed for long are reckoned in small pieces', async () => {
  const now = Date.now();
  const template = JSON.stringify({
    missed: 'all',
    job: { name: 'report', attempts: 3, version: 1, data: null },
    push: { priority: 0, delayMs: 0 },
  });
  let list: ScheduleRecord[] = Array.from({ length: 20 }, (_, n) => ({
    id: `s${n}`,
    timing: encodeTiming({ cron: '0 * * * *', timeZone: 'Europe/Rome' }),
    template,
    nextAt: Math.floor(now / HOUR) * HOUR - 24 * HOUR,
    lastAt: null,
  }));
  let jobs = 0;
  const all = Promise.withResolvers<void>();
  const port: Pick<QueuePort, 'inspect' | 'amend'> = {
    inspect: async () => ({ queues: [], jobs: [], cursor: null, schedules: { now, list } }),
    async amend(_, given) {
      if (given.do !== 'fire') throw new Error(given.do);
      jobs += given.jobs.length;
      list = list.map((one) => (one.id === given.id ? { ...one, nextAt: given.nextAt ?? 0 } : one));
      if (jobs === 20 * 25) all.resolve();
      return 'done';
    },
  };
  let reckoned = 0;
  const pieces: number[] = [];
  const nextRun = Cron.prototype.nextRun;
  vi.spyOn(Cron.prototype, 'nextRun').mockImplementation(function (this: Cron, from) {
    if (reckoned === 0) {
      setImmediate(() => {
        pieces.push(reckoned);
        reckoned = 0;
      });
    }
    reckoned += 1;
    return nextRun.call(this, from);
  });
  const scheduler = new Scheduler(port as QueuePort, createRuntime());
  scheduler.note('work', 0);
  const running = scheduler.run();
  await all.promise;
  scheduler.stop();
  await running;
  expect(pieces.reduce((sum, one) => sum + one)).toBeGreaterThan(20 * 20);
  // Some 0.2 ms each. One more of each schedule may be under way as a turn comes.
  expect(Math.max(...pieces)).toBeLessThan(100);
});
