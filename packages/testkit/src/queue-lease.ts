import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, KEEP, queueClient, released } from './queue-client.ts';
import { suite } from './suite.ts';

/** Sessions, leases, fencing, repeats and wake-ups. */
export function queueLeaseSuite(harness: Harness): void {
  suite(harness, 'queue leases', (add) => {
    add('a job of a session that vanished runs elsewhere', async ({ kit, backend }) => {
      const gone = queueClient(backend.queue, 'gone');
      const other = queueClient((await kit.open()).queue, 'other');
      await gone.push({ id: '1' }, { id: '2' }, { id: '3' });
      expect((await gone.exchange({ claim: 2, leaseMs: 100 })).jobs).toHaveLength(2);
      expect(await other.sweep()).toMatchObject({ recovered: [] });
      await kit.pass(120);
      const swept = await other.sweep();
      expect([...swept.recovered].sort()).toEqual(['1', '2']);
      expect((await other.exchange({ claim: 5 })).jobs).toMatchObject([
        { id: '1', attempt: 2, stalls: 1 },
        { id: '2', attempt: 2, stalls: 1 },
        { id: '3', attempt: 1, stalls: 0 },
      ]);
      expect(await other.sweep()).toMatchObject({ recovered: [], failed: [] });
    });

    add('a settle with a lost lease is refused', async ({ kit, backend }) => {
      const slow = queueClient(backend.queue, 'slow');
      const other = queueClient((await kit.open()).queue, 'other');
      await slow.push({ id: '1' }, { id: '2' });
      await slow.exchange({ claim: 1, leaseMs: 50 });
      await kit.pass(70);
      await other.sweep();
      expect(await slow.beat()).toMatchObject({ alive: false });
      expect(await other.claim(1)).toEqual(['1']);
      const late = await slow.exchange({ settled: [completed('1', '"late"')], claim: 1 });
      expect(late).toMatchObject({ created: true, refused: ['1'], jobs: [{ id: '2' }] });
      expect(await other.job('1')).toMatchObject({ state: 'active', result: null });
      expect(await other.settle(completed('1', '"right"'))).toMatchObject({ refused: [] });
      expect(await other.job('1')).toMatchObject({ state: 'completed', result: '"right"', attempts: 2, stalls: 1 });
    });

    add('nobody settles what he does not lease', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' }, { id: '2' });
      await client.claim(1);
      const settled = [completed('1'), completed('1'), completed('2'), completed('no such job')];
      expect([...(await client.exchange({ settled })).refused].sort()).toEqual(['1', '2', 'no such job']);
      expect(await client.job('1')).toMatchObject({ state: 'completed' });
      expect(await client.job('2')).toMatchObject({ state: 'waiting' });
      expect(await queueClient(backend.queue, 'b').settle(released('1'))).toMatchObject({ refused: ['1'] });
    });

    add('beats and exchanges keep every lease of the session', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const other = queueClient(backend.queue, 'b');
      await client.push({ id: '1' }, { id: '2' });
      await client.exchange({ claim: 1, leaseMs: 200 });
      for (let n = 0; n < 4; n += 1) {
        await kit.pass(80);
        if (n % 2) expect(await client.beat(200)).toEqual({ alive: true, cancel: [] });
        else await client.exchange({ leaseMs: 200 });
        expect((await other.sweep()).recovered).toEqual([]);
      }
      expect(await client.settle(completed('1'))).toMatchObject({ refused: [], created: false });
    });

    add('an unknown session is not alive', async ({ backend }) => {
      expect(await queueClient(backend.queue, 'nobody').beat()).toEqual({ alive: false, cancel: [] });
    });

    add('a job that kills its workers fails after maxStalls, its neighbour lives', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'sweeper');
      await client.push({ id: 'poison' });
      for (let stall = 1; stall <= 3; stall += 1) {
        if (stall === 3) await client.push({ id: 'neighbour' });
        const victim = queueClient(backend.queue, `victim-${stall}`);
        await victim.exchange({ claim: 2, leaseMs: 50 });
        await kit.pass(70);
        const swept = await client.sweep({ maxStalls: 2 });
        expect(swept.failed).toEqual(stall === 3 ? ['poison'] : []);
        expect(swept.recovered).toEqual(stall === 3 ? ['neighbour'] : ['poison']);
      }
      expect(await client.job('poison')).toMatchObject({ state: 'failed', error: '"stalled"', stalls: 3, attempts: 3 });
      expect(await client.claim(5)).toEqual(['neighbour']);
    });

    add('the same nonce is answered the same, and done once', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' }, { id: '2' }, { id: '3', priority: 1 });
      const first = await client.exchange({ claim: 2, nonce: 'n1' });
      expect(await client.exchange({ claim: 2, nonce: 'n1' })).toEqual(first);
      expect(await client.counts()).toMatchObject({ waiting: 1, active: 2 });
      const settled = [completed('3'), completed('never mine')];
      const second = await client.exchange({ settled, claim: 1, nonce: 'n2' });
      expect(second).toMatchObject({ refused: ['never mine'], jobs: [{ id: '2' }] });
      expect(await client.exchange({ settled, claim: 1, nonce: 'n2' })).toEqual(second);
      expect(await client.counts()).toMatchObject({ waiting: 0, active: 2, completed: 1 });
    });

    add('a repeat does not answer jobs that were swept meanwhile', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: '1' });
      await client.exchange({ claim: 1, nonce: 'n1', leaseMs: 50 });
      await kit.pass(70);
      await client.sweep();
      expect(await client.exchange({ claim: 1, nonce: 'n1' })).toMatchObject({ created: true, jobs: [] });
      expect(await queueClient(backend.queue, 'b').claim(1)).toEqual(['1']);
    });

    add('more than one step of lost jobs is swept in bounded steps', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const ids = Array.from({ length: 700 }, (_, index) => `job-${String(index).padStart(3, '0')}`);
      await client.push(...ids.slice(0, 400).map((id) => ({ id })));
      await client.push(...ids.slice(400).map((id) => ({ id })));
      await client.exchange({ claim: 500, leaseMs: 300 });
      await client.exchange({ claim: 500, leaseMs: 60 });
      await kit.pass(80);
      const recovered: string[] = [];
      for (let more = true; more; ) {
        const swept = await client.sweep();
        recovered.push(...swept.recovered);
        more = swept.more;
        expect(await client.beat()).toMatchObject({ alive: false });
      }
      expect(recovered.sort()).toEqual(ids);
      expect(await client.counts()).toMatchObject({ waiting: 700, active: 0 });
    });

    add('a push ends a wait, of one queue or of several', async ({ kit, backend }) => {
      const other = await kit.open();
      const signal = new AbortController().signal;
      for (const queues of [['work'], ['other', 'work']]) {
        const waited = other.queue.wait(queues, signal);
        await queueClient(backend.queue, 'a').push({ id: kit.runtime.id() });
        await waited;
        await queueClient(backend.queue, 'a').claim(10);
      }
    });

    add('a wait that joins later is served too, and one that is aborted ends', async ({ kit, backend }) => {
      const other = await kit.open();
      const stop = new AbortController();
      const first = other.queue.wait(['first'], stop.signal);
      await kit.pass(30);
      const second = other.queue.wait(['second'], stop.signal);
      await queueClient(backend.queue, 'a', 'second').push({ id: '1' });
      await second;
      stop.abort();
      await first;
      await other.queue.wait(['first'], stop.signal);
    });

    add('a hint that came before the wait is not lost', async ({ backend }) => {
      await queueClient(backend.queue, 'a').push({ id: '1' });
      await backend.queue.wait(['work'], new AbortController().signal);
    });

    add('jobs that are handed back by an exchange that claims wake a waiter', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const signal = new AbortController().signal;
      const other = await kit.open();
      await client.push({ id: '1' }, { id: '2' }, { id: '3' });
      await other.queue.wait(['work'], signal);
      await client.claim(3);
      const back = ['3', '2'].map((id) => ({ id, outcome: 'released' as const, delayMs: 0 }));
      const woken = other.queue.wait(['work'], signal);
      expect((await client.exchange({ settled: back, claim: 1 })).jobs.map(({ id }) => id)).toEqual(['2']);
      await woken;
    });

    add('a claim that leaves work behind wakes the next waiter', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      const signal = new AbortController().signal;
      const other = await kit.open();
      await client.push({ id: '1' }, { id: '2' });
      await other.queue.wait(['work'], signal);
      const second = other.queue.wait(['work'], signal);
      await client.exchange({ claim: 1, retention: KEEP });
      await second;
    });

    for (const how of ['promote', 'retry', 'resume', 'sweep', 'earlier delay'] as const) {
      add(`a wait ends when jobs come by ${how}`, async ({ kit, backend }) => {
        const client = queueClient(backend.queue, 'a');
        const signal = new AbortController().signal;
        const { queue } = backend;
        await client.push({ id: '1' });
        await queue.wait(['work'], signal);
        await client.exchange({ claim: 1, leaseMs: how === 'sweep' ? 50 : 60_000 });
        if (how === 'promote') await client.settle({ id: '1', outcome: 'retry', delayMs: 60_000, error: '""' });
        if (how === 'retry') await client.settle({ id: '1', outcome: 'failed', error: '""' });
        if (how === 'resume') {
          await queue.amend('work', { do: 'pause' });
          await client.settle(released('1'));
        }
        const waited = (await kit.open()).queue.wait(['work'], signal);
        if (how === 'promote' || how === 'retry') await queue.amend('work', { do: how, id: '1' });
        if (how === 'resume') await queue.amend('work', { do: how });
        if (how === 'earlier delay') await client.push({ id: '2', delayMs: 60_000 });
        if (how === 'sweep') {
          await kit.pass(70);
          await client.sweep();
        }
        await waited;
      });
    }
  });
}
