import {
  createQueue,
  defineJob,
  type EnqueueOptions,
  type FlowNode,
  type JobDefinition,
  PortolanError,
} from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Harness } from './harness.ts';
import { listedQueues } from './queue-client.ts';
import { suite } from './suite.ts';
import { job, withBench } from './worker-bench.ts';

const failure = (call: Promise<unknown>): Promise<PortolanError | undefined> =>
  call.then(
    () => undefined,
    (error: unknown) => PortolanError.from(error),
  );

/** What producers say: the ids they choose, and what cannot be meant. */
export function queueInputSuite(harness: Harness): void {
  suite(harness, 'queue input', (add) => {
    add('the same id is the same job, for as long as it is kept', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        const push = (n: number, options: EnqueueOptions = {}) =>
          queue.enqueue(job, { n }, { id: 'order-7.B_1', ...options });
        const id = 'work:order-7.B_1';
        expect(await push(1)).toEqual({ id, created: true });
        expect(await push(2)).toEqual({ id, created: false });
        expect(await push(3, { priority: 5, delayMs: 1_000, group: 'g', dedupeKey: 'k' })).toEqual({
          id,
          created: false,
        });
        const other = createQueue({ port: (await kit.open()).queue, runtime: kit.runtime });
        const many = await other.enqueueMany(job, [
          { data: { n: 4 }, options: { id: 'order-7.B_1' } },
          { data: { n: 5 }, options: { id: 'twice' } },
          { data: { n: 6 }, options: { id: 'twice' } },
          { data: { n: 7 }, options: { id: 'order-7.B_1', queue: 'other' } },
        ]);
        expect(many).toEqual([
          { id, created: false },
          { id: 'work:twice', created: true },
          { id: 'work:twice', created: false },
          { id: 'other:order-7.B_1', created: true },
        ]);
        worker(({ n }) => n, { queues: ['work'] });
        expect(await state(id, 'completed')).toMatchObject({ data: { n: 1 }, result: 1 });
        expect(await push(8)).toEqual({ id, created: false });
        expect(await queue.result('work:twice')).toBe(5);
        expect(await queue.remove(id)).toBe('done');
        expect(await push(9)).toEqual({ id, created: true });
        expect(await queue.result(id)).toBe(9);
      });
    });

    add('an id that cannot be one is refused, and so is one for the jobs of flows and schedules', async (at) => {
      const queue = createQueue({ port: at.backend.queue, runtime: at.kit.runtime });
      for (const id of ['', '-a', 'a:b', 'a b', 'a@1', 'é', 'x'.repeat(129), 7 as unknown as string]) {
        expect(await failure(queue.enqueue(job, { n: 1 }, { id }))).toMatchObject({
          code: 'INVALID',
          message: expect.stringMatching(/^id /),
        });
      }
      const own = { id: 'a' } as object;
      expect(await failure(queue.enqueueFlow({ job, data: { n: 1 }, options: own }))).toMatchObject({
        code: 'INVALID',
      });
      const schedule = queue.schedule(job, { n: 1 }, { id: 's', everyMs: 1_000, options: own });
      expect(await failure(schedule)).toMatchObject({
        code: 'INVALID',
        message: expect.stringMatching(/^options\.id/),
      });
      expect(await listedQueues(at.backend.queue)).toEqual([]);
    });

    add('the wrong entry of a list and of a flow is named', async ({ kit, backend }) => {
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      const wrong = { n: 'no' } as unknown as { n: number };
      const list = Array.from({ length: 700 }, (_, n) => ({ data: n < 600 ? { n } : wrong }));
      expect(await failure(queue.enqueueMany(job, list))).toMatchObject({
        code: 'INVALID',
        message: expect.stringMatching(/^list\[600\]: input of job test\.job: n: /),
        issues: [{ path: ['list', 600, 'data', 'n'] }],
      });
      const late = [{ data: { n: 1 } }, { data: { n: 1 }, options: { delayMs: -1 } }];
      expect((await failure(queue.enqueueMany(job, late)))?.message).toMatch(/^list\[1\]: delayMs: /);
      const child = (data: unknown, children: Record<string, FlowNode> = {}): FlowNode => ({
        job: job as JobDefinition,
        data,
        children,
      });
      const flow = child({ n: 1 }, { a: child({ n: 2 }, { b: child({ n: 3 }), c: child(wrong) }) });
      expect(await failure(queue.enqueueFlow(flow as never))).toMatchObject({
        code: 'INVALID',
        message: expect.stringMatching(/^children\.a\.children\.c: input of job test\.job: n: /),
        issues: [{ path: ['children', 'a', 'children', 'c', 'data', 'n'] }],
      });
      expect((await failure(queue.enqueueFlow(child(wrong) as never)))?.message).toMatch(
        /^input of job test\.job: n: /,
      );
      expect(await listedQueues(backend.queue)).toEqual([]);
    });

    add('data that no handler would get as it was given is refused', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue }) => {
        const any = defineJob({ name: 'any', queue: 'any', input: z.any(), output: z.any() });
        const at = defineJob({ name: 'at', queue: 'any', input: z.object({ when: z.date() }), output: z.any() });
        expect(await failure(queue.enqueue(at, { when: new Date(0) }))).toMatchObject({
          code: 'INVALID',
          message: expect.stringMatching(/^input of job at, as JSON keeps it: when: /),
          issues: [{ path: ['when'] }],
        });
        const coerced = defineJob({ ...at, input: z.object({ when: z.coerce.date() }) });
        const { id } = await queue.enqueue(coerced, { when: new Date(0) });
        expect(await queue.get(id)).toMatchObject({ data: { when: '1970-01-01T00:00:00.000Z' } });
        for (const value of [new Map([[1, 2]]), new Set([1]), new Error('lost')]) {
          expect(await failure(queue.enqueue(any, { list: [value] }))).toMatchObject({
            code: 'INVALID',
            message: expect.stringMatching(/^input of job any is not JSON: list\.0 is a (Map|Set|Error)/),
          });
        }
        const list = defineJob({ ...at, input: z.array(z.number().optional()) });
        expect(await failure(queue.enqueue(list, [1, undefined]))).toMatchObject({
          code: 'INVALID',
          issues: [{ path: [1] }],
        });
        class Point {
          readonly x = 1;
        }
        expect(await queue.enqueue(any, { point: new Point(), none: {}, at: null })).toMatchObject({ created: true });
      });
    });

    add('what the types refuse is refused without them, and names the field', async ({ kit, backend }) => {
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      const told = async (field: string, call: Promise<unknown>) =>
        expect(await failure(call)).toMatchObject({
          code: 'INVALID',
          message: expect.stringMatching(new RegExp(`^${field}\\b`)),
        });
      const any = (value: unknown) => value as never;
      await told('concurency', queue.limit('work', any({ concurency: 5 })));
      await told('group', queue.limit('work', any({ group: 5 })));
      await told('group.burst', queue.limit('work', any({ group: { concurrency: 1, burst: 2 } })));
      for (const limits of [[], 'x', 5]) await told('limits', queue.limit('work', any(limits)));
      await told('dedupe', queue.enqueue(job, { n: 1 }, { dedupeKey: 'k', dedupe: any('wat') }));
      await told('dedupeKey', queue.enqueue(job, { n: 1 }, { dedupeKey: any(5) }));
      await told('group', queue.enqueue(job, { n: 1 }, { group: any(5) }));
      await told('queue', queue.enqueue(job, { n: 1 }, { queue: any(5) }));
      await told('state', queue.list({ queue: 'work', state: any('wat') }));
      await told('cron', queue.schedule(job, { n: 1 }, { id: 's', cron: any(5) }));
      expect(await listedQueues(backend.queue)).toEqual([]);
    });

    add('a wait without an end that can be told is refused', async ({ kit, backend }) => {
      const queue = createQueue({ port: backend.queue, runtime: kit.runtime });
      const { id } = await queue.enqueue(job, { n: 1 });
      for (const timeoutMs of [Number.NaN, -1]) {
        expect(await failure(queue.result(id, { timeoutMs }))).toMatchObject({
          code: 'INVALID',
          message: expect.stringMatching(/^timeoutMs: /),
        });
      }
      expect(await failure(queue.result(id, { timeoutMs: 0 }))).toMatchObject({ code: 'TIMEOUT' });
    });
  });
}
