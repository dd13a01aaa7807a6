import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, failed, KEEP, listedQueues, queueClient, retry } from './queue-client.ts';
import { child, endAll, owedOf } from './queue-flow-kit.ts';
import { suite } from './suite.ts';

/** What finished jobs owe their parents, until it is struck off. */
export function queueOwedSuite(harness: Harness): void {
  suite(harness, 'queue flows: what is owed', (add) => {
    add('whatever ends a job with a parent, it owes that, in the same step', async ({ kit, backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      const gone = queueClient(queue, 'gone');
      await client.push(child('done'), child('broken'), child('stopped'), child('again'), { id: 'orphan' });
      await client.claim(5);
      await queue.amend('work', { do: 'cancel', id: 'again' });
      expect(await owedOf(queue)).toEqual([]);
      const stopped = { id: 'stopped', outcome: 'cancelled', error: '"stop"' } as const;
      const settled = [completed('done', '{"r":1.0}'), failed('broken'), stopped, retry('again'), completed('orphan')];
      expect(await client.exchange({ settled })).toMatchObject({ owes: true });
      await client.push(child('cancelled'), child('removed', { delayMs: 60_000 }), child('asked'), child('stalled'));
      for (const change of ['cancel', 'remove'] as const)
        await queue.amend('work', { do: change, id: `${change === 'cancel' ? 'cancelled' : 'removed'}` });
      expect((await gone.exchange({ claim: 5, leaseMs: 50 })).jobs).toHaveLength(2);
      await queue.amend('work', { do: 'cancel', id: 'asked' });
      await kit.pass(70);
      expect(await client.sweep({ maxStalls: 0 })).toMatchObject({ failed: ['stalled'], owes: true });
      const owed = (await owedOf(queue)).map(({ id, parent, state, text, missedMs }) => [
        id,
        parent,
        state,
        text,
        missedMs,
      ]);
      expect(owed.sort()).toEqual([
        ['again', 'parent of again', 'cancelled', '"again"', null],
        ['asked', 'parent of asked', 'cancelled', null, null],
        ['broken', 'parent of broken', 'failed', '"broken"', null],
        ['cancelled', 'parent of cancelled', 'cancelled', null, null],
        ['done', 'parent of done', 'completed', '{"r":1.0}', null],
        ['removed', 'parent of removed', 'cancelled', null, null],
        ['stalled', 'parent of stalled', 'failed', '"stalled"', null],
        ['stopped', 'parent of stopped', 'cancelled', '"stop"', null],
      ]);
      expect(await client.job('done')).toMatchObject({ parent: 'parent of done', awaits: 0 });
    });

    add('what is owed outlives its job, until it is struck off', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.push(child('1'), child('2'));
      await client.claim(2);
      const retention = { ...KEEP, completed: { count: 0, ms: 1_000 } };
      await client.exchange({ settled: [completed('1'), completed('2')], retention });
      expect(await client.job('1')).toBeUndefined();
      const [one, two] = await owedOf(queue);
      if (!one || !two) throw new Error('two are owed');
      expect(new Set([one.turn, two.turn]).size).toBe(2);
      expect(await owedOf(queue, 'work', 1)).toEqual([one]);
      const strike = (turn: number) => queue.amend('work', { do: 'strike', id: one.id, turn });
      expect(await strike(one.turn - 1)).toBe('missing');
      expect(await strike(one.turn)).toBe('done');
      expect(await strike(one.turn)).toBe('missing');
      expect(await owedOf(queue)).toEqual([two]);
      expect((await client.exchange()).owes).toBe(true);
      await queue.amend('work', { do: 'strike', id: two.id, turn: two.turn });
      expect((await client.exchange()).owes).toBe(false);
    });

    add('a repeat of an exchange owes nothing twice', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push(child('1'));
      await client.claim(1);
      const request = { settled: [completed('1')], nonce: 'once' };
      expect(await client.exchange(request)).toMatchObject({ owes: true });
      const [entry] = await owedOf(backend.queue);
      expect(await client.exchange(request)).toMatchObject({ owes: true });
      expect(await owedOf(backend.queue)).toEqual([entry]);
      await backend.queue.amend('work', { do: 'strike', id: '1', turn: entry?.turn ?? 0 });
      expect(await client.exchange(request)).toMatchObject({ owes: false });
      expect(await owedOf(backend.queue)).toEqual([]);
    });

    add('a later outcome of a job takes the place of the earlier one, under a later turn', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.push(child('1'));
      await client.claim(1);
      await client.settle(failed('1'));
      const [first] = await owedOf(queue);
      await queue.amend('work', { do: 'retry', id: '1' });
      expect(await owedOf(queue)).toEqual([]);
      await endAll(client, '1');
      const [second] = await owedOf(queue);
      expect(second).toMatchObject({ state: 'completed', text: '"1"' });
      expect(second?.turn).toBeGreaterThan(first?.turn ?? Number.NaN);
      expect(await queue.amend('work', { do: 'strike', id: '1', turn: first?.turn ?? 0 })).toBe('missing');
      expect(await owedOf(queue)).toEqual([second]);
    });

    add('what was put off is not told until its time has come', async ({ kit, backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.push(child('1'), child('2'));
      await endAll(client, '1', '2');
      const turn = (await owedOf(queue)).find(({ id }) => id === '1')?.turn ?? 0;
      const defer = (delayMs: number, at = turn) => queue.amend('work', { do: 'defer', id: '1', turn: at, delayMs });
      expect(await defer(60, turn + 1_000_000)).toBe('missing');
      expect(await defer(60)).toBe('done');
      expect((await owedOf(queue)).map(({ id }) => id)).toEqual(['2']);
      const [two] = await owedOf(queue);
      await queue.amend('work', { do: 'strike', id: '2', turn: two?.turn ?? 0 });
      expect(await client.exchange()).toMatchObject({ owes: false });
      expect(await client.sweep()).toMatchObject({ owes: false });
      await kit.pass(80);
      expect(await client.exchange()).toMatchObject({ owes: true });
      expect(await client.sweep()).toMatchObject({ owes: true });
      const [entry] = await owedOf(queue);
      expect(entry?.missedMs).toBeGreaterThanOrEqual(60);
      await defer(0);
      expect((await owedOf(queue))[0]?.missedMs).toBeGreaterThanOrEqual(60);
    });

    add('a queue that owes something does not leave the list', async ({ kit, backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.push(child('1'));
      await endAll(client, '1');
      await queue.amend('work', { do: 'remove', id: '1' });
      await kit.pass(5);
      expect(await client.sweep({ idleMs: 1 })).toMatchObject({ owes: true });
      expect(await listedQueues(queue)).toEqual(['work']);
      const [entry] = await owedOf(queue);
      expect(entry).toMatchObject({ id: '1', state: 'completed', text: '"1"' });
      await queue.amend('work', { do: 'strike', id: '1', turn: entry?.turn ?? 0 });
      await client.sweep({ idleMs: 1 });
      expect(await listedQueues(queue)).toEqual([]);
    });
  });
}
