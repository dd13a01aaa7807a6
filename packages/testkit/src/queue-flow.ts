import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { completed, KEEP, queueClient } from './queue-client.ts';
import { child, deliver, owedOf, partsOf } from './queue-flow-kit.ts';
import { suite } from './suite.ts';

/** Jobs that await parts. */
export function queueFlowSuite(harness: Harness): void {
  suite(harness, 'queue flows', (add) => {
    add('a job that awaits parts is held until so many different ones were delivered', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.push(
        { id: 'held', awaits: 2, priority: 5, delayMs: 60_000 },
        { id: 'later', delayMs: 3_600_000 },
        { id: 'now' },
      );
      expect(await client.list('delayed')).toEqual(['later', 'held']);
      expect(await client.job('held')).toMatchObject({ state: 'delayed', dueAt: null, awaits: 2, parent: null });
      expect(await client.claim(5)).toEqual(['now']);
      expect(await queue.amend('work', { do: 'promote', id: 'held' })).toBe('refused');
      expect(await deliver(queue, 'held', 'a', { text: '{"a":1.0}' })).toBe('done');
      expect(await deliver(queue, 'held', 'a', { text: '{"a":1.0}' })).toBe('done');
      expect(await client.job('held')).toMatchObject({ state: 'delayed', awaits: 1 });
      expect(await client.claim(5)).toEqual([]);
      expect(await deliver(queue, 'held', 'b')).toBe('done');
      expect(await deliver(queue, 'held', 'c')).toBe('refused');
      expect(await client.job('held')).toMatchObject({ state: 'waiting', awaits: 0, priority: 5 });
      expect(await client.claim(5)).toEqual(['held']);
      expect(await deliver(queue, 'held', 'b')).toBe('done');
      expect(await partsOf(queue, 'held')).toEqual(['a 1 false {"a":1.0}', 'b 1 false 1']);
      expect(await deliver(queue, 'now', 'a')).toBe('refused');
      expect(await deliver(queue, 'nobody', 'a')).toBe('missing');
      expect(await queue.amend('nowhere', { do: 'deliver', id: 'x', part: 'a', turn: 1, text: '1' })).toBe('missing');
    });

    add('a held job alone is due at no time', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: 'held', awaits: 1 });
      expect(await client.exchange({ claim: 5 })).toMatchObject({ jobs: [], dueInMs: null, owes: false });
      expect(await client.counts()).toMatchObject({ delayed: 1, waiting: 0 });
      expect(await client.push({ id: 'held' })).toEqual([{ id: 'held', created: false }]);
    });

    add('the part that completes a job wakes a waiter', async ({ kit, backend }) => {
      const client = queueClient(backend.queue, 'a');
      await client.push({ id: 'held', awaits: 1 });
      // The push may have left a hint.
      const first = new AbortController();
      const hinted = backend.queue.wait(['work'], first.signal);
      await kit.pass(20);
      first.abort();
      await hinted;
      const waited = (await kit.open()).queue.wait(['work'], new AbortController().signal);
      await deliver(backend.queue, 'held', 'a');
      await waited;
      expect(await client.claim(1)).toEqual(['held']);
    });

    add('a newer outcome takes the place of an older one, never the other way round', async ({ backend }) => {
      const { queue } = backend;
      await queueClient(queue, 'a').push({ id: 'held', awaits: 2 });
      await deliver(queue, 'held', 'a', { turn: 7, text: '"new"' });
      await deliver(queue, 'held', 'a', { turn: 6, text: '"old"' });
      expect(await partsOf(queue, 'held')).toEqual(['a 7 false "new"']);
      await deliver(queue, 'held', 'a', { turn: 8, text: '"newest"' });
      expect(await partsOf(queue, 'held')).toEqual(['a 8 false "newest"']);
    });

    add('a part that fails its job does so at once, and a retry waits for what is missing', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.push({ id: 'held', awaits: 2, parent: 'above' });
      await deliver(queue, 'held', 'a', { text: '"bad"', fail: '"a failed"' });
      expect(await client.job('held')).toMatchObject({ state: 'failed', error: '"a failed"', attempts: 0, awaits: 2 });
      expect(await owedOf(queue)).toMatchObject([{ id: 'held', parent: 'above', state: 'failed', text: '"a failed"' }]);
      // What comes later is taken, and changes nothing else.
      expect(await deliver(queue, 'held', 'b')).toBe('done');
      expect(await client.job('held')).toMatchObject({ state: 'failed', awaits: 1 });
      expect(await queue.amend('work', { do: 'retry', id: 'held' })).toBe('done');
      expect(await client.job('held')).toMatchObject({ state: 'delayed', dueAt: null, error: null, awaits: 1 });
      expect(await owedOf(queue)).toEqual([]);
      await deliver(queue, 'held', 'a', { turn: 2, text: '"good"' });
      expect(await client.claim(1)).toEqual(['held']);
      expect(await partsOf(queue, 'held')).toEqual(['a 2 false "good"', 'b 1 false 1']);
    });

    add('parts are forgotten with their job, by remove and by retention', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.push({ id: 'removed', awaits: 2 }, { id: 'trimmed', awaits: 1 });
      await deliver(queue, 'removed', 'a');
      await deliver(queue, 'trimmed', 'a');
      await queue.amend('work', { do: 'remove', id: 'removed' });
      await client.claim(1);
      await client.exchange({
        settled: [completed('trimmed')],
        retention: { ...KEEP, completed: { count: 0, ms: 1 } },
      });
      for (const id of ['removed', 'trimmed']) {
        expect(await client.push({ id, awaits: 1, delayMs: 9 })).toMatchObject([{ created: true }]);
        expect(await partsOf(queue, id)).toEqual([]);
        expect(await client.job(id)).toMatchObject({ state: 'delayed', awaits: 1 });
      }
      await queue.amend('work', { do: 'remove', id: 'trimmed' });
      expect(await client.push({ id: 'trimmed' })).toMatchObject([{ created: true }]);
      expect(await client.job('trimmed')).toMatchObject({ state: 'waiting', awaits: 0, parent: null });
    });

    add('many parts come in pages, and large outcomes in short ones', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      const names = Array.from({ length: 250 }, (_, at) => `part ${at}`);
      await client.push({ id: 'held', awaits: 250 });
      await Promise.all(names.map((part) => deliver(queue, 'held', part, { text: `"${part}"` })));
      expect(await client.job('held')).toMatchObject({ state: 'waiting', awaits: 0 });
      const wanted = names.map((part) => `${part} 1 false "${part}"`).sort();
      expect(await partsOf(queue, 'held', 100)).toEqual(wanted);
      const text = JSON.stringify('x'.repeat(1_500_000));
      await client.push(...['1', '2', '3', '4', '5'].map((id) => child(id, { priority: 1 })));
      await client.claim(5);
      await client.settle(...['1', '2', '3', '4', '5'].map((id) => completed(id, text)));
      const owed = await owedOf(queue);
      expect(owed.length).toBeGreaterThan(0);
      expect(owed.length).toBeLessThan(5);
    });

    add('500 children that finish in one exchange are all owed', async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      const ids = Array.from({ length: 500 }, (_, at) => `job-${at}`);
      await client.push(...ids.map((id) => child(id)));
      await client.claim(500);
      expect(await client.settle(...ids.map((id) => completed(id)))).toMatchObject({ owes: true, refused: [] });
      const owed = await owedOf(backend.queue, 'work', 500);
      expect(owed.map(({ id }) => id).sort()).toEqual(ids.toSorted());
      expect(new Set(owed.map(({ turn }) => turn)).size).toBe(500);
    });

    add('a paused queue takes parts, and a held job may be cancelled', async ({ backend }) => {
      const { queue } = backend;
      const client = queueClient(queue, 'a');
      await client.push({ id: 'held', awaits: 1 }, { id: 'other', awaits: 1, parent: 'above' });
      await queue.amend('work', { do: 'pause' });
      await deliver(queue, 'held', 'a');
      expect(await client.claim(5)).toEqual([]);
      expect(await queue.amend('work', { do: 'cancel', id: 'other' })).toBe('done');
      expect(await client.job('other')).toMatchObject({ state: 'cancelled', awaits: 1 });
      expect(await owedOf(queue)).toMatchObject([{ id: 'other', state: 'cancelled', text: null }]);
      expect(await deliver(queue, 'other', 'a')).toBe('done');
      await queue.amend('work', { do: 'resume' });
      expect(await client.claim(5)).toEqual(['held']);
      await queue.amend('work', { do: 'retry', id: 'other' });
      expect(await client.claim(5)).toEqual(['other']);
    });
  });
}
