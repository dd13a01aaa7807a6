import { PortolanError, type ScheduleOptions } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { listedQueues } from './queue-client.ts';
import { suite } from './suite.ts';
import { job, withBench } from './worker-bench.ts';

/** Schedules that cannot be meant. */
export function workerScheduleInputSuite(harness: Harness): void {
  suite(harness, 'worker schedules: input', (add) => {
    add('what cannot be scheduled is refused, and names what was wrong', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue }) => {
        const refused = async (options: Partial<ScheduleOptions>, data: unknown = { n: 1 }) =>
          queue.schedule(job, data as { n: number }, { id: 's', everyMs: 1_000, ...options }).then(
            () => 'nothing',
            (error: unknown) => [PortolanError.from(error).code, PortolanError.from(error).message],
          );
        const told = (field: string) => ['INVALID', expect.stringMatching(new RegExp(`^${field}\\b`))];
        expect(await refused({ id: 'a b' })).toEqual(told('id'));
        expect(await refused({ missed: 'never' as 'once' })).toEqual(told('missed'));
        expect(await refused({ cron: '* * * * *' })).toEqual(told('cron, everyMs'));
        expect(await refused({ endAt: -5 })).toEqual(told('endAt'));
        expect(await refused({ options: { delayMs: 5 } as object })).toEqual(told('options.delayMs'));
        expect(await refused({ options: { queue: 'no name' } })).toEqual(told('queue'));
        expect(await refused({}, { n: 'x' })).toEqual(['INVALID', expect.stringContaining('test.job')]);
        const large = {
          ...job,
          input: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } },
        } as const;
        await expect(queue.schedule(large, 'x'.repeat(66_000), { id: 's', everyMs: 1_000 })).rejects.toMatchObject({
          code: 'TOO_LARGE',
        });
        // A window that is over is none: every process may say it when it starts.
        expect(await refused({ endAt: 5_000 })).toBe('nothing');
        expect(await queue.schedules('work')).toEqual({ schedules: [], cursor: null });
        expect(await listedQueues(backend.queue)).toEqual([]);
      });
    });
  });
}
