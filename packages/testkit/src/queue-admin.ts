import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, failed, queueClient, released, retry } from './queue-client.ts';
import { suite } from './suite.ts';

/** Cancel, retry, promote, remove, pause, progress and lists. */
export function queueAdminSuite(harness: Harness): void {
  suite(harness, 'queue administration', (add) => {
    add('cancel ends a job that waits, at once', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const cancel = (id: string) => backend.queue.amend('work', { do: 'cancel', id });
      await client.push({ id: '1' }, { id: '2' }, { id: '3', priority: 4 }, { id: '4', delayMs: 60_000 });
      expect([await cancel('1'), await cancel('3'), await cancel('4')]).toEqual(['done', 'done', 'done']);
      expect(await cancel('1')).toBe('refused');
      expect(await cancel('none')).toBe('missing');
      expect(await client.list('waiting')).toEqual(['2']);
      expect((await client.list('cancelled')).sort()).toEqual(['1', '3', '4']);
      expect(await client.counts()).toMatchObject({ waiting: 1, delayed: 0, cancelled: 3 });
      expect(await client.claim(5)).toEqual(['2']);
      expect(await client.job('1')).toMatchObject({ state: 'cancelled', attempts: 0, startedAt: null });
    });

    for (const { count, claim } of [
      { count: 60, claim: 1 },
      { count: 12_000, claim: 3 },
    ]) {
      add(`a higher priority goes first behind ${count} cancelled jobs of it`, async ({ backend }) => {
        const client = queueClient(backend.queue, 'a');
        const high = Array.from({ length: count }, (_, n) => ({ id: `high-${n}`, priority: 5 }));
        for (let at = 0; at < count; at += 500) await client.push(...high.slice(at, at + 500));
        await client.push({ id: 'plain' }, { id: 'low', priority: -5 }, { id: 'last', priority: 5 });
        for (let at = 0; at < count; at += 500) {
          const some = high.slice(at, at + 500);
          await Promise.all(some.map(({ id }) => backend.queue.amend('work', { do: 'cancel', id })));
        }
        const taken: string[] = [];
        for (let exchanges = 0; taken.length < 3; exchanges += 1) {
          expect(exchanges).toBeLessThan(20);
          const { jobs, dueInMs } = await client.exchange({ claim });
          // A claim that looked at much and took little says so.
          if (jobs.length === 0) expect(dueInMs).toBe(0);
          taken.push(...jobs.map(({ id }) => id));
        }
        expect(taken).toEqual(['last', 'plain', 'low']);
        expect((await client.exchange({ claim })).dueInMs).toBeNull();
      });
    }

    add('cancelled jobs among others of every priority are passed over', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const all = Array.from({ length: 90 }, (_, n) => ({ id: `job-${n}`, priority: 1 - (n % 3) }));
      await client.push(...all);
      const cancelled = all.filter((_, n) => n % 7 < 4);
      for (const { id } of cancelled) await backend.queue.amend('work', { do: 'cancel', id });
      const left = all.filter((job) => !cancelled.includes(job)).toSorted((a, b) => b.priority - a.priority);
      const taken: string[] = [];
      while (taken.length < left.length) {
        const some = await client.claim(4);
        expect(some).toHaveLength(Math.min(4, left.length - taken.length));
        taken.push(...some);
      }
      expect(taken).toEqual(left.map(({ id }) => id));
    });

    add('a removed job whose id is pushed again runs once, in its new place', async ({ backend }) => {
      for (const [group, limits] of [
        [undefined, null],
        ['g', { group: { concurrency: 5 } }],
      ] as const) {
        const queue = group ?? 'plain';
        const client = queueClient(backend.queue, 'a', queue);
        await backend.queue.amend(queue, { do: 'limit', limits });
        const more = group === undefined ? {} : { group };
        await client.push({ id: '1', ...more }, { id: '2', ...more }, { id: '3', ...more });
        await backend.queue.amend(queue, { do: 'remove', id: '1' });
        await client.push({ id: '1', ...more });
        expect(await client.claim(5)).toEqual(['2', '3', '1']);
      }
    });

    add('cancel of an active job is told to its session', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const other = queueClient(backend.queue, 'b');
      await client.push({ id: '1' }, { id: '2' });
      await client.claim(1);
      await other.claim(1);
      expect(await backend.queue.amend('work', { do: 'cancel', id: '1' })).toBe('asked');
      expect(await client.beat()).toEqual({ alive: true, cancel: ['1'] });
      expect((await client.exchange()).cancel).toEqual(['1']);
      expect((await other.exchange()).cancel).toEqual([]);
      expect(await other.beat()).toEqual({ alive: true, cancel: [] });
      const ended = await client.settle({ id: '1', outcome: 'cancelled', error: '"stopped"' });
      expect(ended).toMatchObject({ refused: [], cancel: [] });
      expect(await client.job('1')).toMatchObject({ state: 'cancelled', attempts: 1 });
    });

    add('a job asked to cancel does not run again, whatever becomes of its run', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' }, { id: '2' }, { id: '3' }, { id: '4' });
      await client.exchange({ claim: 4, leaseMs: 60 });
      for (const id of ['1', '2', '3', '4']) await backend.queue.amend('work', { do: 'cancel', id });
      const settled = [retry('1', 5), released('2'), completed('4')];
      await client.exchange({ settled, leaseMs: 60 });
      await kit.pass(80);
      expect(await client.sweep()).toMatchObject({ recovered: [], failed: [] });
      expect((await client.list('cancelled')).sort()).toEqual(['1', '2', '3']);
      expect(await client.job('4')).toMatchObject({ state: 'completed' });
      expect(await client.claim(5)).toEqual([]);
    });

    add('retry runs a failed or cancelled job again, counted anew', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const again = (id: string) => backend.queue.amend('work', { do: 'retry', id });
      await client.push({ id: '1', priority: 2 }, { id: '2' });
      await client.claim(1);
      await client.settle(failed('1'));
      expect(await again('1')).toBe('done');
      expect(await again('1')).toBe('refused');
      expect(await again('none')).toBe('missing');
      expect((await client.exchange({ claim: 1 })).jobs).toMatchObject([{ id: '1', attempt: 1 }]);
      await client.settle(completed('1'));
      expect(await again('1')).toBe('refused');
      await backend.queue.amend('work', { do: 'cancel', id: '2' });
      await client.push({ id: '3' });
      expect(await again('2')).toBe('done');
      expect(await client.counts()).toMatchObject({ waiting: 2, cancelled: 0 });
      expect(await client.claim(5)).toEqual(['2', '3']);
    });

    add('retry with a body runs that instead, if it runs at all', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const again = (id: string, body: string) => backend.queue.amend('work', { do: 'retry', id, body });
      await client.push({ id: '1', priority: 2 }, { id: '2' }, { id: '3' });
      await client.claim(1);
      await client.settle(failed('1'));
      await backend.queue.amend('work', { do: 'cancel', id: '2' });
      expect([await again('1', 'mended \u0000 ü'), await again('2', '')]).toEqual(['done', 'done']);
      expect([await again('1', 'x'), await again('3', 'x'), await again('none', 'x')]).toEqual([
        'refused',
        'refused',
        'missing',
      ]);
      expect((await client.exchange({ claim: 9 })).jobs).toMatchObject([
        { id: '1', body: 'mended \u0000 ü', attempt: 1 },
        { id: '2', body: '', attempt: 1 },
        { id: '3', body: 'body of 3' },
      ]);
      expect(await again('1', 'x')).toBe('refused');
      await client.settle(completed('1'));
      expect(await again('1', 'x')).toBe('refused');
      expect((await client.job('1'))?.body).toBe('mended \u0000 ü');
    });

    add('promote makes a delayed job due', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1', delayMs: 60_000, priority: 1 }, { id: '2' });
      expect(await backend.queue.amend('work', { do: 'promote', id: '1' })).toBe('done');
      expect(await backend.queue.amend('work', { do: 'promote', id: '2' })).toBe('refused');
      expect(await backend.queue.amend('work', { do: 'promote', id: 'none' })).toBe('missing');
      expect(await client.claim(2)).toEqual(['1', '2']);
    });

    add('remove forgets a job that does not run', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const remove = (id: string) => backend.queue.amend('work', { do: 'remove', id });
      await client.push({ id: '1' }, { id: '2' }, { id: '3', delayMs: 60_000 }, { id: '4', priority: 1 }, { id: '5' });
      expect(await client.claim(2)).toEqual(['4', '1']);
      expect(await remove('1')).toBe('refused');
      await client.settle(completed('1'));
      for (const id of ['1', '2', '3']) expect(await remove(id)).toBe('done');
      expect(await remove('2')).toBe('missing');
      expect(await client.counts()).toEqual({
        waiting: 1,
        delayed: 0,
        active: 1,
        completed: 0,
        failed: 0,
        cancelled: 0,
      });
      expect(await client.push({ id: '2', body: 'anew' })).toMatchObject([{ created: true }]);
      expect((await client.exchange({ claim: 5 })).jobs).toMatchObject([{ id: '5' }, { id: '2', body: 'anew' }]);
    });

    add('a paused queue gives nothing away', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' }, { id: '2' });
      await client.claim(1);
      await backend.queue.amend('work', { do: 'pause' });
      expect(await client.exchange({ settled: [completed('1')], claim: 5 })).toMatchObject({ refused: [], jobs: [] });
      expect(await client.push({ id: '3' })).toMatchObject([{ created: true }]);
      expect(await client.claim(5)).toEqual([]);
      await backend.queue.amend('work', { do: 'resume' });
      expect(await client.claim(5)).toEqual(['2', '3']);
    });

    add('progress is taken from the session that leases the job', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const report = (id: string, session: string, progress: string) =>
        backend.queue.amend('work', { do: 'progress', id, session, progress });
      await client.push({ id: '1' });
      expect(await report('1', 'a', '1')).toBe('refused');
      await client.claim(1);
      expect(await report('1', 'a', '{"step":1.0}')).toBe('done');
      expect(await report('1', 'b', '2')).toBe('refused');
      expect(await report('none', 'a', '2')).toBe('missing');
      expect(await client.job('1')).toMatchObject({ progress: '{"step":1.0}', state: 'active', attempts: 1 });
    });

    add('lists come in pages, in order', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const ids = Array.from({ length: 25 }, (_, index) => `job-${String(index).padStart(2, '0')}`);
      await client.push(...ids.map((id, index) => ({ id, priority: index < 5 ? 5 : index < 20 ? 0 : -5 })));
      const seen: string[] = [];
      for (let cursor: string | null = null, pages = 0; pages === 0 || cursor !== null; pages += 1) {
        const page = await backend.queue.inspect({ of: 'state', queue: 'work', state: 'waiting', cursor, limit: 7 });
        expect(page.jobs.length).toBeLessThanOrEqual(7);
        expect(page.queues[0]?.counts.waiting).toBe(25);
        seen.push(...page.jobs.map((job) => job.id));
        cursor = page.cursor;
        expect(pages).toBeLessThan(5);
      }
      expect(seen).toEqual(ids);
    });

    add('an inspection of named jobs leaves unknown ones out', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' }, { id: '2' });
      const found = await backend.queue.inspect({ of: 'jobs', queue: 'work', ids: ['2', 'none', '1'] });
      expect(found.jobs.map((job) => job.id)).toEqual(['2', '1']);
      const nothing = await backend.queue.inspect({ of: 'jobs', queue: 'unknown', ids: ['1'] });
      expect(nothing).toMatchObject({
        jobs: [],
        queues: [{ queue: 'unknown', paused: false, counts: { waiting: 0 } }],
      });
    });
  });
}
