import { MAX_LOG_LINES } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, failed, KEEP, queueClient, retry } from './queue-client.ts';
import { suite } from './suite.ts';
import { job, withBench, wrapQueue } from './worker-bench.ts';

/** What the runs of a job log, from the port to the worker. */
export function queueLogsSuite(harness: Harness): void {
  suite(harness, 'queue logs', (add) => {
    add('lines are taken from the session that leases the job, and stay with it', async ({ kit, backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      const log = (id: string, session: string, ...lines: string[]) =>
        queue.amend('work', { do: 'log', id, session, lines });
      const logs = async (id: string) => (await queue.inspect({ of: 'logs', queue: 'work', id })).logs;
      await client.push({ id: '1' }, { id: '2' });
      expect(await log('1', 'a', 'too soon')).toBe('refused');
      await client.claim(1);
      expect(await log('none', 'a', 'x')).toBe('missing');
      expect(await log('1', 'b', 'x')).toBe('refused');
      expect(await log('1', 'a', 'first', 'a \u0000 ü \u{1F600}\n', '')).toBe('done');
      await kit.pass(3);
      await client.settle(retry('1'));
      await client.claim(5);
      expect(await log('1', 'a', '12 13')).toBe('done');
      expect(await log('1', 'a')).toBe('done');
      await client.settle(completed('1'));
      expect(await log('1', 'a', 'too late')).toBe('refused');
      const kept = (await logs('1')) ?? [];
      expect(kept.map(({ line }) => line)).toEqual(['first', 'a \u0000 ü \u{1F600}\n', '', '12 13']);
      const times = kept.map(({ at }) => at);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times[3]).toBeGreaterThan(times[0] as number);
      expect(times[0]).toBeGreaterThanOrEqual((await client.job('1'))?.dueAt ?? 0);
      expect(await logs('2')).toEqual([]);
      expect(await logs('none')).toBeUndefined();
      expect((await queue.inspect({ of: 'logs', queue: 'unknown', id: '1' })).logs).toBeUndefined();
    });

    add('the last lines are kept', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.push({ id: '1' });
      await client.claim(1);
      const lines = Array.from({ length: 230 }, (_, n) => `line ${n}`);
      for (let from = 0; from < 230; from += 60) {
        await queue.amend('work', { do: 'log', id: '1', session: 'a', lines: lines.slice(from, from + 60) });
      }
      const { logs } = await queue.inspect({ of: 'logs', queue: 'work', id: '1' });
      expect(logs?.map(({ line }) => line)).toEqual(lines.slice(-MAX_LOG_LINES));
    });

    add('a log goes with its job, by removal and by retention, and comes back with no other', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      const logs = async (id: string) =>
        (await queue.inspect({ of: 'logs', queue: 'work', id })).logs?.map(({ line }) => line);
      const ids = ['1', '2', '3', '4'];
      await client.push(...ids.map((id) => ({ id })));
      await client.claim(4);
      for (const id of ids) await queue.amend('work', { do: 'log', id, session: 'a', lines: [`of ${id}`] });
      await client.settle(failed('1'), retry('2'));
      expect(await queue.amend('work', { do: 'retry', id: '1' })).toBe('done');
      expect(await logs('1')).toEqual(['of 1']);
      expect(await queue.amend('work', { do: 'remove', id: '1' })).toBe('done');
      expect(await queue.amend('work', { do: 'cancel', id: '2' })).toBe('done');
      expect(await logs('2')).toEqual(['of 2']);
      const nothing = { count: 0, ms: 0 };
      await client.exchange({ settled: [completed('3')], retention: { ...KEEP, completed: nothing } });
      for (let more = true; more; )
        more = (await client.sweep({ retention: { completed: nothing, failed: nothing } })).more;
      expect([await logs('1'), await logs('2'), await logs('3'), await logs('4')]).toEqual([
        undefined,
        undefined,
        undefined,
        ['of 4'],
      ]);
      await client.push({ id: '1' }, { id: '2' }, { id: '3' });
      expect([await logs('1'), await logs('2'), await logs('3')]).toEqual([[], [], []]);
    });

    add('a handler logs; what it logged last is there once its job has ended', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        worker(({ n }, { log, attempt }) => {
          for (let line = 0; line < n; line += 1) log(`${attempt}: ${line}`);
          log('x'.repeat(5_000));
          if (attempt === 1) throw new Error('once more');
          return null;
        });
        const lines = async (id: string) => (await queue.logs(id))?.map(({ line }) => line) ?? [];
        const few = await queue.enqueue(job, { n: 2 }, { attempts: 2 });
        await state(few.id, 'completed');
        const cut = `${'x'.repeat(999)}…`;
        expect(await lines(few.id)).toEqual(['1: 0', '1: 1', cut, '2: 0', '2: 1', cut]);
        const many = await queue.enqueue(job, { n: 500 }, { attempts: 1 });
        await state(many.id, 'failed');
        const last = Array.from({ length: MAX_LOG_LINES - 1 }, (_, n) => `1: ${n + 401}`);
        expect(await lines(many.id)).toEqual([...last, cut]);
        const silent = await queue.enqueue(job, { n: 0 }, { delayMs: 60_000 });
        expect(await queue.logs(silent.id)).toEqual([]);
        expect(await queue.logs('work:none')).toBeUndefined();
      });
    });

    add('a line that is logged under a lost lease ends the run', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, event }) => {
        const taken = Promise.withResolvers<void>();
        const ended = Promise.withResolvers<unknown>();
        let session = '';
        const port = wrapQueue(backend.queue, {
          exchange: (name, request) => {
            session = request.session;
            return backend.queue.exchange(name, request);
          },
        });
        worker(
          async (_, { log, signal }) => {
            await taken.promise;
            signal.addEventListener('abort', () => ended.resolve(signal.reason));
            log('is anybody there?');
            await ended.promise;
            return null;
          },
          { port },
        );
        const { id } = await queue.enqueue(job, { n: 1 });
        await event('taken');
        // Somebody else ends the job, out of the session's hands.
        await queueClient(backend.queue, session).settle(failed(id.slice('work:'.length)));
        taken.resolve();
        expect(await ended.promise).toMatchObject({ code: 'CONFLICT' });
      });
    });
  });
}
