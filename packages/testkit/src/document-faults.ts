import { openCollection, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { chaos } from './chaos.ts';
import { drive, failure, openPeople, people, person } from './document-fixtures.ts';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';

/** Watching, and what becomes of a call when the store or a rival gets in its way. */
export function documentFaultSuite(harness: Harness): void {
  suite(harness, 'document watch and faults', (add) => {
    add('a watch tells changes, resumes, and ends', async ({ backend, kit }) => {
      const collection = openPeople(kit, backend);
      await collection.insert(person('old'), { id: '0' });
      const watch = async (after: number | undefined, count: number) => {
        const stop = new AbortController();
        const seen: unknown[] = [];
        const options = { signal: stop.signal, pollMs: 20, ...(after === undefined ? {} : { after }) };
        for await (const event of collection.watch(options)) {
          seen.push(event.type === 'gap' ? 'gap' : [event.id, event.document?.value.name ?? null]);
          if (seen.length === count) stop.abort();
        }
        return seen;
      };
      const changes = watch(1, 3);
      const started = kit.pass(60);
      await started;
      await collection.insert(person('ann'), { id: '1' });
      await kit.pass(60);
      await collection.commit([
        { op: 'insert', id: '2', value: person('bob') },
        { op: 'delete', id: '0' },
      ]);
      expect(await drive(kit, changes)).toEqual([
        ['1', 'ann'],
        ['2', 'bob'],
        ['0', null],
      ]);
      expect(await drive(kit, watch(2, 2))).toEqual([
        ['2', 'bob'],
        ['0', null],
      ]);
      expect(await drive(kit, watch(0, 3))).toEqual([
        ['1', 'ann'],
        ['2', 'bob'],
        ['0', null],
      ]);
      expect(await drive(kit, watch(999, 1))).toEqual(['gap']);
      const fromNow = watch(undefined, 1);
      await kit.pass(60);
      await collection.put('3', person('eve'));
      expect(await drive(kit, fromNow)).toEqual([['3', 'eve']]);
      const already = AbortSignal.abort();
      for await (const _ of collection.watch({ after: 0, signal: already }))
        throw new PortolanError('INTERNAL', 'told');
    });

    add('a watch waits while the store is away, and goes on where it was', async ({ backend, kit }) => {
      const faulty = chaos(backend.document);
      const collection = openCollection(people, { port: faulty.target, runtime: kit.runtime });
      await collection.insert(person('ann'), { id: '1' });
      const stop = new AbortController();
      faulty.on('changes').fail(2);
      faulty.on('changes').fail(3);
      const seen: string[] = [];
      const watching = (async () => {
        for await (const event of collection.watch({ after: 0, signal: stop.signal, pollMs: 20 })) {
          if (event.type === 'change') seen.push(event.id);
          if (seen.length === 2) stop.abort();
        }
      })();
      await kit.eventually('the store was away twice', () => faulty.calls('changes') > 3);
      await collection.insert(person('bob'), { id: '2' });
      await drive(kit, watching);
      expect(seen).toEqual(['1', '2']);
      faulty.on('changes').fail('every', new PortolanError('INVALID', 'broken'));
      const broken = collection.watch({ after: 0, signal: new AbortController().signal })[Symbol.asyncIterator]();
      expect(await failure(broken.next())).toMatchObject({ code: 'INVALID' });
    });

    add('an update whose reply was lost is not applied twice', async ({ backend, kit }) => {
      const faulty = chaos(backend.document);
      const collection = openCollection(people, { port: faulty.target, runtime: kit.runtime });
      await collection.insert(person('ann', { age: 1 }), { id: '1' });
      faulty.on('commit').dropReply(1);
      const older = (value: { name: string; email: string; age: number }) => ({ ...value, age: value.age + 1 });
      expect(await failure(collection.update('1', older))).toMatchObject({ code: 'UNAVAILABLE' });
      expect(await collection.get('1')).toMatchObject({ revision: 2, value: { age: 2 } });
      expect(await failure(collection.update('1', older, { revision: 1 }))).toMatchObject({ code: 'CONFLICT' });
      expect(await collection.get('1')).toMatchObject({ value: { age: 2 } });
    });

    add('writers that never win give up with a CONFLICT that may be retried', async ({ backend, kit }) => {
      const rival = openPeople(kit, await kit.open());
      const collection = openPeople(kit, backend);
      await collection.insert(person('ann', { age: 0 }), { id: '1' });
      let tries = 0;
      const change = async (value: { name: string; email: string; age: number }) => {
        tries++;
        await rival.put('1', person('ann', { age: -tries }));
        return value;
      };
      const lost = await drive(kit, failure(collection.update('1', change)));
      expect(lost).toMatchObject({ code: 'CONFLICT', retryable: true });
      expect(tries).toBeGreaterThan(5);
      expect(await collection.get('1')).toMatchObject({ value: { age: -tries } });
      tries = 0;
      const once = await failure(
        collection.update('1', change, { revision: (await collection.get('1'))?.revision ?? 0 }),
      );
      expect([once.code, once.retryable, tries]).toEqual(['CONFLICT', false, 1]);
    });
  });
}
