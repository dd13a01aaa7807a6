import {
  createQueue,
  encryptedQueue,
  handle,
  type JobState,
  type PayloadKey,
  PortolanError,
  type QueuePort,
} from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Harness } from './harness.ts';
import { completed, queueClient } from './queue-client.ts';
import { encryptedScheduleSuite } from './queue-encrypted-schedule.ts';
import { suite } from './suite.ts';
import { job, withBench, wrapQueue } from './worker-bench.ts';

const key = (id: string, fill: number): PayloadKey => ({ id, key: new Uint8Array(32).fill(fill) });
const old = key('k-old', 1);
const fresh = key('k-new', 2);
const SECRET = 'attack-at-dawn';
const secret = { ...job, input: z.object({ n: z.number(), text: z.string() }) };

/** Everything that the store tells of the queue, as text. */
async function stored(port: QueuePort): Promise<string> {
  const states: JobState[] = ['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled'];
  const pages = states.map((state) => port.inspect({ of: 'state', queue: 'work', state, cursor: null, limit: 500 }));
  const schedules = port.inspect({ of: 'schedules', queue: 'work', cursor: null, limit: 100 });
  return JSON.stringify(await Promise.all([...pages, schedules]));
}

/** Payloads encrypted in the store, and what is seen of them with and without the keys. */
export function encryptedQueueSuite(harness: Harness): void {
  suite(harness, 'encrypted queue', (add) => {
    add('nothing that a job carries is in the store in clear', async ({ kit, backend }) => {
      const port = encryptedQueue(backend.queue, [old]);
      await withBench(kit, { ...backend, queue: port }, async ({ queue, worker, state }) => {
        const gate = Promise.withResolvers<void>();
        const handler = handle(secret, async ({ n, text }, { log, progress, attempt }) => {
          log(`${attempt}: doing ${text}`);
          await progress({ doing: text });
          await gate.promise;
          if (n === 2 || attempt === 1) throw new Error(`cannot ${text}`);
          return { done: text };
        });
        worker(() => null, { handlers: [handler] });
        const data = { n: 1, text: SECRET };
        const good = await queue.enqueue(secret, data, { attempts: 2 });
        const bad = await queue.enqueue(secret, { ...data, n: 2 }, { attempts: 1 });
        const later = await queue.enqueue(secret, { ...data, n: 3 }, { delayMs: 60_000 });
        await kit.eventually('progress', async () => ((await queue.get(good.id))?.progress ? true : undefined));
        expect(await stored(backend.queue)).not.toContain(SECRET);
        gate.resolve();
        const completed = await state(good.id, 'completed');
        expect(completed).toMatchObject({ data, progress: { doing: SECRET }, result: { done: SECRET } });
        expect(await queue.result(good.id)).toEqual({ done: SECRET });
        expect((await queue.logs(good.id))?.map(({ line }) => line)).toEqual(
          [1, 2].map((n) => `${n}: doing ${SECRET}`),
        );
        expect(await state(bad.id, 'failed')).toMatchObject({ error: { message: `cannot ${SECRET}` } });
        await queue.cancel(later.id);
        const told = await stored(backend.queue);
        expect(told).not.toContain(SECRET);
        // What is needed to see what goes on stays readable.
        const plain = createQueue({ port: backend.queue, runtime: kit.runtime });
        expect(await plain.get(bad.id)).toMatchObject({
          name: 'test.job',
          state: 'failed',
          attempts: 1,
          createdAt: (await queue.get(bad.id))?.createdAt,
          data: null,
          error: { code: 'INTERNAL', message: expect.stringContaining('"k-old"') },
          unknownKey: 'k-old',
        });
        expect(await plain.get(good.id)).not.toHaveProperty('result');
        expect(
          JSON.stringify(await backend.queue.inspect({ of: 'logs', queue: 'work', id: good.id.slice(5) })),
        ).not.toContain(SECRET);
        expect(await plain.logs(good.id)).toMatchObject(
          [1, 2].map(() => ({ line: expect.stringContaining('"k-old"') })),
        );
        await expect(plain.result(good.id)).rejects.toMatchObject({ message: expect.stringContaining('"k-old"') });
      });
    });

    add('a key is changed while jobs wait', async ({ kit, backend }) => {
      const before = createQueue({ port: encryptedQueue(backend.queue, [old]), runtime: kit.runtime });
      const plain = createQueue({ port: backend.queue, runtime: kit.runtime });
      const waits = await before.enqueue(job, { n: 1 });
      const clear = await plain.enqueue(job, { n: 2 });
      const port = encryptedQueue(backend.queue, [fresh, old]);
      await withBench(kit, { ...backend, queue: port }, async ({ queue, worker, state }) => {
        worker(({ n }) => n);
        const next = await queue.enqueue(job, { n: 3 });
        for (const [index, { id }] of [waits, clear, next].entries()) {
          expect(await state(id, 'completed')).toMatchObject({ data: { n: index + 1 }, result: index + 1 });
        }
        expect(await before.get(waits.id)).toMatchObject({ data: { n: 1 }, unknownKey: 'k-new' });
      });
    });

    add('a job of an unknown key fails and names it; with the key it runs again', async ({ kit, backend }) => {
      const known = createQueue({ port: encryptedQueue(backend.queue, [old]), runtime: kit.runtime });
      const { id } = await known.enqueue(secret, { n: 1, text: SECRET });
      const port = encryptedQueue(backend.queue, [fresh]);
      const runs: unknown[] = [];
      await withBench(kit, { ...backend, queue: port }, async ({ worker, state, event }) => {
        worker((data) => runs.push(data));
        const failed = await state(id, 'failed');
        expect(failed).toMatchObject({ attempts: 1, error: { code: 'INTERNAL' }, unknownKey: 'k-old' });
        expect(failed.error?.message).toContain('payload key "k-old"');
        expect(JSON.stringify([failed, await event('failed')])).not.toContain(SECRET);
        expect(runs).toEqual([]);
      });
      const both = encryptedQueue(backend.queue, [fresh, old]);
      await withBench(kit, { ...backend, queue: both }, async ({ queue, worker, state }) => {
        worker(({ n }) => n);
        expect(await queue.retryAll('work')).toMatchObject({ retried: 1 });
        expect(await state(id, 'completed')).toMatchObject({ result: 1 });
      });
    });

    add('what was encrypted for one job is no other', async ({ kit, backend }) => {
      const port = encryptedQueue(backend.queue, [old]);
      const raw = queueClient(backend.queue, 'thief');
      await withBench(kit, { ...backend, queue: port }, async ({ queue, worker, state }) => {
        const { id } = await queue.enqueue(job, { n: 1 }, { delayMs: 60_000 });
        const body = (await raw.job(id.slice('work:'.length)))?.body ?? '';
        expect(JSON.parse(body)).toMatchObject({ name: 'test.job', sealed: { key: 'k-old' } });
        await raw.push({ id: 'copy', body });
        await queueClient(backend.queue, 'thief', 'other').push({ id: id.slice('work:'.length), body });
        const runs: unknown[] = [];
        worker((data) => runs.push(data));
        expect(await state('work:copy', 'failed')).toMatchObject({ error: { code: 'INTERNAL' }, unknownKey: 'k-old' });
        expect(await state(id.replace('work', 'other'), 'failed')).toMatchObject({ unknownKey: 'k-old' });
        expect(runs).toEqual([]);
        await queue.promote(id);
        await state(id, 'completed');
        expect(runs).toEqual([{ n: 1 }]);
      });
    });

    add('newer data takes the place of older, and a failed job runs with other data', async ({ kit, backend }) => {
      const port = encryptedQueue(backend.queue, [old]);
      await withBench(kit, { ...backend, queue: port }, async ({ queue, worker, state }) => {
        const options = { dedupeKey: 'k', dedupe: 'replace' } as const;
        const { id } = await queue.enqueue(secret, { n: 1, text: 'first' }, options);
        expect(await queue.enqueue(secret, { n: 2, text: SECRET }, options)).toMatchObject({ id, created: false });
        expect(await stored(backend.queue)).not.toContain(SECRET);
        expect(await queue.get(id)).toMatchObject({ data: { n: 2, text: SECRET } });
        await queue.cancel(id);
        const anew = { job: secret, data: { n: 3, text: SECRET } };
        expect(await queue.retry(id, anew)).toBe('done');
        expect(await stored(backend.queue)).not.toContain(SECRET);
        worker((data) => data);
        expect(await state(id, 'completed')).toMatchObject({ data: anew.data, result: { n: 3 } });
      });
    });

    add('schedules keep their templates encrypted, and so are the jobs they make', async ({ kit, backend }) => {
      const port = encryptedQueue(backend.queue, [old]);
      const template = JSON.stringify({ data: SECRET });
      const schedule = { do: 'schedule', id: 's', timing: '{}', template, nextAt: 1 } as const;
      await port.amend('work', schedule);
      const look = async (from: QueuePort) =>
        (await from.inspect({ of: 'schedules', queue: 'work', cursor: null, limit: 10 })).schedules?.list;
      expect(await look(port)).toMatchObject([{ id: 's', timing: '{}', template }]);
      expect(JSON.stringify(await look(backend.queue))).not.toContain(SECRET);
      const body = `{"name":"test.job","attempts":1,"createdAt":1,"data":{"n":4,"text":"${SECRET}"}}`;
      const jobs = [{ id: 's@1', body, priority: 0, delayMs: 0 }];
      expect(await port.amend('work', { do: 'fire', id: 's', at: 1, nextAt: 2, lastAt: 1, jobs })).toBe('done');
      expect(await stored(backend.queue)).not.toContain(SECRET);
      const queue = createQueue({ port, runtime: kit.runtime });
      expect(await queue.get('work:s@1')).toMatchObject({ data: { n: 4, text: SECRET } });
    });

    add('children answer their parents, encrypted for them', async ({ kit, backend }) => {
      const port = encryptedQueue(backend.queue, [old]);
      await withBench(kit, { ...backend, queue: port }, async ({ queue, worker, state }) => {
        const run = handle(secret, async ({ n, text }, { children }) => {
          if (n === 2) throw new PortolanError('FORBIDDEN', `not ${text}`);
          return n === 0 ? children() : { text };
        });
        const node = (n: number) => ({ job: secret, data: { n, text: SECRET } });
        const children = { good: node(1), bad: node(2) };
        const passing = await queue.enqueueFlow({ ...node(0), children, onChildFailure: 'pass' });
        const failing = await queue.enqueueFlow({ ...node(0), children });
        worker(() => null, { handlers: [run] });
        expect(await state(passing.id, 'completed')).toMatchObject({
          result: {
            good: { state: 'completed', result: { text: SECRET } },
            bad: { state: 'failed', error: { code: 'FORBIDDEN', message: `not ${SECRET}` } },
          },
        });
        expect((await state(failing.id, 'failed')).error?.message).toContain(`not ${SECRET}`);
        const id = passing.id.slice('work:'.length);
        const look = { of: 'parts', queue: 'work', id, cursor: null, limit: 10 } as const;
        const { parts } = await backend.queue.inspect(look);
        expect(parts).toHaveLength(2);
        expect(JSON.stringify(parts)).not.toContain(SECRET);
        expect(await stored(backend.queue)).not.toContain(SECRET);
      });
    });

    add('what a child owes is left to a process that has the key', async ({ kit, backend }) => {
      const port = encryptedQueue(backend.queue, [old]);
      const known = createQueue({ port, runtime: kit.runtime });
      const node = { job: secret, data: { n: 1, text: SECRET } };
      const flow = await known.enqueueFlow({ ...node, children: { child: node } });
      const ends = queueClient(port, 'ends');
      await ends.settle(...(await ends.claim(1)).map((id) => completed(id)));
      let deferred = 0;
      const watched = wrapQueue(backend.queue, {
        async amend(queue, amendment) {
          if (amendment.do === 'defer') deferred += 1;
          return backend.queue.amend(queue, amendment);
        },
      });
      await withBench(kit, { ...backend, queue: watched }, async ({ worker }) => {
        worker(() => null);
        await kit.eventually('a process without the key has looked', () => deferred > 0);
        expect(await known.get(flow.id)).toMatchObject({ state: 'delayed', awaits: 1 });
      });
    });

    add('a value that looks encrypted is one like any other', async ({ kit, backend }) => {
      const lookalike = { sealed: { key: 'k-old', box: 'aGVsbG8=' } };
      const free = { ...job, input: z.unknown() };
      for (const port of [backend.queue, encryptedQueue(backend.queue, [old])]) {
        await withBench(kit, { ...backend, queue: port }, async ({ queue, worker, state }) => {
          worker(() => null, { handlers: [handle(free, (data) => data)] });
          const { id } = await queue.enqueue(free, lookalike);
          const completed = await state(id, 'completed');
          expect(completed).toMatchObject({ data: lookalike, result: lookalike });
          expect(completed).not.toHaveProperty('unknownKey');
        });
      }
    });
  });
  encryptedScheduleSuite(harness);
}
