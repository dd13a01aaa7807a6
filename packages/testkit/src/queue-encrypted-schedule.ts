import { createQueue, createRuntime, encryptedQueue, type PayloadKey, type QueuePort } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';
import { job, withBench } from './worker-bench.ts';

const key = (id: string, fill: number): PayloadKey => ({ id, key: new Uint8Array(32).fill(fill) });
const old = key('k-old', 1);
const fresh = key('k-new', 2);

const templates = async (port: QueuePort): Promise<(string | undefined)[]> => {
  const { schedules } = await port.inspect({ of: 'schedules', queue: 'work', cursor: null, limit: 10 });
  return schedules?.list.map(({ template }) => /"key":"([^"]*)"/.exec(template)?.[1]) ?? [];
};

/** Schedules while keys are changed, and those that cannot be read. */
export function encryptedScheduleSuite(harness: Harness): void {
  suite(harness, 'encrypted schedules', (add) => {
    for (const before of [old, undefined]) {
      add(`from its next tick on a schedule has the first key, before it ${before?.id ?? 'none'}`, async (test) => {
        const { kit, backend } = test;
        const first = before ? encryptedQueue(backend.queue, [before]) : backend.queue;
        const schedules = createQueue({ port: first, runtime: kit.runtime });
        await schedules.schedule(job, { n: 7 }, { id: 's', everyMs: 1_000 });
        expect(await templates(backend.queue)).toEqual([before?.id]);
        const both = encryptedQueue(backend.queue, [fresh, old]);
        await withBench(kit, { ...backend, queue: both }, async ({ worker }) => {
          worker(() => null, { leaseMs: 300 });
          await kit.eventually('a tick', async () => (await templates(backend.queue))[0] === 'k-new');
        });
        const after = { ...backend, queue: encryptedQueue(backend.queue, [fresh]) };
        await withBench(kit, after, async ({ queue, worker }) => {
          const ran: unknown[] = [];
          worker(({ n }, { schedule }) => ran.push([n, schedule?.id]), { leaseMs: 300 });
          await kit.eventually('it goes on with the new key alone', () => ran.length > 1);
          expect(ran[0]).toEqual([7, 's']);
          expect((await queue.schedules('work')).schedules).toMatchObject([{ data: { n: 7 } }]);
        });
      });
    }

    add('a schedule of an unknown key is shown as such among others, and told once', async ({ kit, backend }) => {
      const plain = createQueue({ port: backend.queue, runtime: kit.runtime });
      const known = createQueue({ port: encryptedQueue(backend.queue, [old]), runtime: kit.runtime });
      await plain.schedule(job, { n: 1 }, { id: 'clear', everyMs: 1_000 });
      await known.schedule(job, { n: 2 }, { id: 'hidden', everyMs: 1_000 });
      const strange = { id: 'strange', timing: '{"moon":"full"}', template: '{}', nextAt: 1_000 };
      await backend.queue.amend('work', { do: 'schedule', ...strange });
      const shown = [
        { id: 'clear', name: 'test.job', data: { n: 1 }, everyMs: 1_000 },
        { id: 'hidden', name: '', data: null, everyMs: 1_000, unknownKey: 'k-old' },
        { id: 'strange', name: '', data: null, nextAt: 1_000 },
      ];
      const { schedules } = await plain.schedules('work');
      expect(schedules.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toMatchObject(shown);
      expect(schedules.filter((one) => 'unknownKey' in one)).toHaveLength(1);
      const warnings: object[] = [];
      const logger = { ...createRuntime().logger, warn: (fields: object) => void warnings.push(fields) };
      await withBench(kit, backend, async ({ worker }) => {
        worker(() => null, { leaseMs: 300, runtime: { ...kit.runtime, logger } });
        const told = () => warnings.find((one) => 'schedule' in one && one.schedule === 'hidden');
        const warning = await kit.eventually('it is told', told);
        expect(warning).toMatchObject({ reason: expect.stringContaining('payload key "k-old"') });
      });
    });

    add('a foreign job is shown among others', async ({ kit, backend }) => {
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      const foreign = ['"hello"', 'hello', '{"name":7}'];
      await backend.queue.push(
        'work',
        foreign.map((body, n) => ({ id: `f${n}`, body, priority: 0, delayMs: 0 })),
      );
      const { id } = await queue.enqueue(job, { n: 1 });
      const { jobs } = await queue.list({ queue: 'work', state: 'waiting' });
      expect(jobs).toMatchObject([
        ...foreign.map((_, n) => ({ id: `work:f${n}`, name: '', data: null, createdAt: 0 })),
        { id, name: 'test.job', data: { n: 1 } },
      ]);
      expect(await queue.get('work:f1')).toMatchObject({ name: '', state: 'waiting' });
    });
  });
}
