import { createJobEvents, createQueue, type JobEvent, type PayloadKey, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { collect, during } from './broadcast-kit.ts';
import { chaos } from './chaos.ts';
import type { Harness } from './harness.ts';
import { storedEvents, withEvents } from './job-events-kit.ts';
import { jobEventsResultSuite } from './job-events-result.ts';
import { queueClient } from './queue-client.ts';
import { suite } from './suite.ts';
import { job, untilAborted, withBench } from './worker-bench.ts';

const SECRET = 'attack-at-dawn';
const away = (): PortolanError => new PortolanError('UNAVAILABLE', 'the store is away');
const numbered = (n: number): JobEvent => ({ type: 'cancelled', id: `work:${n}`, queue: 'work' });
const idsOf = (events: readonly { readonly data: JobEvent }[]) => events.map(({ data }) => data.id);

/** What is told of the jobs of a queue to every process. */
export function jobEventSuite(harness: Harness): void {
  jobEventsResultSuite(harness);
  suite(harness, 'job events', (add) => {
    add('how jobs end is told to another process, and nothing of what they carry', async ({ kit, backend }) => {
      await withEvents(kit, backend, {}, async ({ queue, worker, told, elsewhere }) => {
        const heard = collect(kit, elsewhere.events('work', { after: 'start' }));
        worker(
          ({ n }, { attempt }) => {
            if (n === 2) throw new PortolanError('NOT_FOUND', `no such thing ${'.'.repeat(900)}`, { retryable: false });
            if (n === 3 && attempt === 1) throw new Error('once more');
            return { [SECRET]: n };
          },
          { events: told, concurrency: 1 },
        );
        const ids: string[] = [];
        for (const n of [1, 2, 3]) {
          ids.push((await queue.enqueue(job, { n, [SECRET]: SECRET } as { n: number })).id);
          await heard.until(n);
        }
        const run = { queue: 'work', name: 'test.job', ms: expect.any(Number) };
        expect(heard.data()).toEqual([
          { type: 'completed', id: ids[0], attempt: 1, ...run },
          { type: 'failed', id: ids[1], attempt: 1, ...run, error: { code: 'NOT_FOUND', message: expect.any(String) } },
          { type: 'completed', id: ids[2], attempt: 2, ...run },
        ]);
        expect(heard.data()[1]?.error?.message).toMatch(/^no such thing \.+$/);
        expect(heard.data()[1]?.error?.message).toHaveLength(300);
        const stored = await storedEvents(backend.broadcast);
        expect(stored.join()).toContain('no such thing');
        expect(stored.join()).not.toContain(SECRET);
      });
    });

    add('with the level all, every step of a job is told in order', async ({ kit, backend }) => {
      await withEvents(kit, backend, { level: 'all' }, async ({ queue, worker, told, elsewhere }) => {
        const heard = collect(kit, elsewhere.events('work', { after: 'start' }));
        worker((_, { attempt }) => (attempt === 1 ? Promise.reject(new Error('once more')) : 'done'), { events: told });
        await queue.enqueue(job, { n: 1 });
        await heard.until(4);
        expect(heard.data().map(({ type, attempt }) => [type, attempt])).toEqual([
          ['taken', 1],
          ['retried', 1],
          ['taken', 2],
          ['completed', 2],
        ]);
        expect(heard.data()[1]?.error).toEqual({ code: 'INTERNAL', message: 'once more' });
        const unknown = await queue.enqueue({ ...job, name: 'newer.job' }, { n: 1 });
        await heard.until(6);
        expect(heard.data().slice(4)).toMatchObject([
          { type: 'taken', id: unknown.id, name: 'newer.job' },
          { type: 'released', id: unknown.id },
        ]);
      });
    });

    add('a cancel is told, of a job that waits and of one that runs', async ({ kit, backend }) => {
      await withEvents(kit, backend, {}, async ({ queue, worker, event, told, elsewhere }) => {
        const heard = collect(kit, elsewhere.events('work', { after: 'start' }));
        const waiting = await queue.enqueue(job, { n: 1 });
        expect(await elsewhere.cancel(waiting.id)).toBe('cancelled');
        await heard.until(1);
        worker((_, { signal }) => untilAborted(signal), { events: told, leaseMs: 300 });
        const { id } = await queue.enqueue(job, { n: 1 });
        await event('taken');
        expect(await elsewhere.cancel(id)).toBe('asked');
        await heard.until(2);
        expect(heard.data()).toMatchObject([
          { type: 'cancelled', id: waiting.id, queue: 'work' },
          { type: 'cancelled', id, name: 'test.job', attempt: 1, error: { code: 'CANCELLED' } },
        ]);
        expect(await elsewhere.cancel(id)).toBe('refused');
      });
    });

    add(
      'jobs whose workers vanished are told: stalled always, recovered with the level all',
      async ({ kit, backend }) => {
        await withEvents(kit, backend, { level: 'all' }, async ({ queue, worker, told, elsewhere }) => {
          const heard = collect(kit, elsewhere.events('work', { after: 'start' }));
          const final = createJobEvents({ port: backend.broadcast, runtime: kit.runtime });
          expect([final.wants('stalled'), final.wants('recovered')]).toEqual([true, false]);
          const victim = queueClient(backend.queue, 'victim');
          const first = await queue.enqueue(job, { n: 1 });
          await victim.exchange({ claim: 1, leaseMs: 30 });
          const running = worker(() => null, { events: told, leaseMs: 60, maxStalls: 1 });
          await kit.eventually('it runs again', () => heard.data().some(({ type }) => type === 'completed'));
          const recovered = await kit.eventually('it was told', () =>
            heard.data().find(({ type }) => type === 'recovered'),
          );
          expect(recovered).toEqual({ type: 'recovered', id: first.id, queue: 'work' });
          await during(kit, running.stop());
          const second = await queue.enqueue(job, { n: 2 });
          await victim.exchange({ claim: 1, leaseMs: 30 });
          worker(() => null, { events: told, leaseMs: 60, maxStalls: 0 });
          const stalled = await kit.eventually('it fails', () => heard.data().find(({ type }) => type === 'stalled'));
          expect(stalled).toEqual({ type: 'stalled', id: second.id, queue: 'work' });
        });
      },
    );

    add('reading goes on behind any event, also within those that came together', async ({ kit, backend }) => {
      await withEvents(kit, backend, {}, async ({ told, elsewhere }) => {
        for (let n = 1; n <= 60; n += 1) told.publish(numbered(n));
        const all = collect(kit, elsewhere.events('work', { after: 'start' }));
        await all.until(60);
        expect((await storedEvents(backend.broadcast)).length).toBeLessThan(10);
        expect(idsOf(all.events)).toEqual(Array.from({ length: 60 }, (_, at) => `work:${at + 1}`));
        expect(new Set(all.events.map(({ id }) => id)).size).toBe(60);
        for (const at of [0, 1, 30, 57, 58]) {
          const rest = collect(kit, elsewhere.events('work', { after: all.events[at]?.id ?? '' }));
          await rest.until(59 - at);
          expect(rest.events).toEqual(all.events.slice(at + 1));
        }
        const end = elsewhere.events('work', { after: all.events[59]?.id ?? '' });
        const later = collect(kit, end);
        await end.ready;
        told.publish(numbered(61));
        await later.until(1);
        expect(later.events).toMatchObject([{ data: { id: 'work:61' } }]);
        expect(later.events[0]).not.toHaveProperty('gap');
        expect(() => elsewhere.events('work', { after: 'nonsense' })).toThrow(/cursor/);
        expect(() => elsewhere.events('no name')).toThrow(/queue/);
      });
    });

    add(
      'while topics cannot be written jobs go on, and the newest events come when they can',
      async ({ kit, backend }) => {
        const faults = chaos(backend.broadcast);
        faults.on('append').fail('every', away());
        await withEvents(kit, backend, { port: faults.target }, async ({ queue, worker, told, elsewhere, state }) => {
          worker(() => 'done', { events: told });
          await state((await queue.enqueue(job, { n: 1 })).id, 'completed');
          for (let n = 1; n <= 20_000; n += 1) told.publish(numbered(n));
          await kit.eventually('it tries again', () => faults.calls('append') >= 3);
          faults.heal();
          const heard = collect(kit, elsewhere.events('work', { after: 'start' }));
          await kit.eventually('the last one comes', () => heard.data().at(-1)?.id === 'work:20000');
          const kept = heard.events.length;
          expect(kept).toBeGreaterThanOrEqual(5_000);
          expect(kept).toBeLessThanOrEqual(6_000);
          expect(idsOf(heard.events)).toEqual(Array.from({ length: kept }, (_, at) => `work:${20_001 - kept + at}`));
          expect(heard.events.filter(({ gap }) => gap)).toEqual([heard.events[0]]);
          told.publish(numbered(20_001));
          await heard.until(kept + 1);
          expect(heard.events.at(-1)).not.toHaveProperty('gap');
        });
      },
    );

    add('a worker that stops has published the last of it', async ({ kit, backend }) => {
      const faults = chaos(backend.broadcast);
      await withEvents(kit, backend, { port: faults.target }, async ({ queue, worker, told, event }) => {
        const running = worker(() => 'done', { events: told });
        const held = faults.on('append').hold();
        const { id } = await queue.enqueue(job, { n: 1 });
        await event('completed');
        await held.reached;
        let stopped = false;
        const stop = running.stop().then(() => {
          stopped = true;
        });
        await kit.pass(50);
        expect(stopped).toBe(false);
        held.release();
        await during(kit, stop);
        expect((await storedEvents(backend.broadcast)).join()).toContain(id.slice('work:'.length));
      });
    });

    add('a worker stops though its events cannot be published', async ({ kit, backend }) => {
      const faults = chaos(backend.broadcast);
      faults.on('append').fail('every', away());
      await withEvents(kit, backend, { port: faults.target }, async ({ queue, worker, told, event }) => {
        const running = worker(() => 'done', { events: told });
        await queue.enqueue(job, { n: 1 });
        await event('completed');
        await during(kit, running.stop());
        expect(await storedEvents(backend.broadcast)).toEqual([]);
        faults.heal();
      });
    });

    add('messages of errors are encrypted where payloads are', async ({ kit, backend }) => {
      const payloadKeys: PayloadKey[] = [{ id: 'k', key: new Uint8Array(32).fill(7) }];
      await withEvents(kit, backend, { payloadKeys }, async ({ queue, worker, told, elsewhere }) => {
        worker(() => Promise.reject(new PortolanError('NOT_FOUND', SECRET, { retryable: false })), { events: told });
        const heard = collect(kit, elsewhere.events('work', { after: 'start' }));
        await queue.enqueue(job, { n: 1 });
        await heard.until(1);
        expect(heard.data()[0]?.error).toEqual({ code: 'NOT_FOUND', message: SECRET });
        expect((await storedEvents(backend.broadcast)).join()).not.toContain(SECRET);
        const events = createJobEvents({ port: backend.broadcast, runtime: kit.runtime });
        const blind = createQueue({ port: backend.queue, runtime: kit.runtime, events });
        const seen = collect(kit, blind.events('work', { after: 'start' }));
        await seen.until(1);
        expect(seen.data()[0]?.error).toEqual({ code: 'NOT_FOUND', message: expect.stringContaining('key "k"') });
      });
    });

    add('without events nothing is published, and asking for them is refused', async ({ kit, backend }) => {
      await withBench(kit, backend, async ({ queue, worker, state }) => {
        worker(() => null);
        await state((await queue.enqueue(job, { n: 1 })).id, 'completed');
        const { id } = await queue.enqueue(job, { n: 1 }, { delayMs: 60_000 });
        expect(await queue.cancel(id)).toBe('cancelled');
        expect(await backend.broadcast.topics()).toEqual([]);
        expect(() => queue.events('work')).toThrow(/not configured/);
      });
    });
  });
}
