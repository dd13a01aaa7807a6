import type { DocumentCommit } from '@portolan/core';
import { expect } from 'vitest';
import { committed, drive, entry, openPeople, person, put, remove, walk } from './document-fixtures.ts';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';

const winners = (results: readonly DocumentCommit[]): number => results.filter(({ ok }) => ok).length;

export function documentRaceSuite(harness: Harness): void {
  suite(harness, 'document races', (add) => {
    add('of many writers on one revision exactly one wins', async ({ backend, kit }) => {
      const ports = [backend.document, (await kit.open()).document, (await kit.open()).document];
      let [revision] = await committed(backend.document.commit('c', [put('a')]));
      for (let round = 0; round < 10; round++) {
        const writers = Array.from({ length: 30 }, (_, at) => {
          const write = put('a', { expect: revision ?? 0, body: `${round}-${at}` });
          return (ports[at % 3] ?? backend.document).commit('c', [write]);
        });
        const results = await Promise.all(writers);
        expect(winners(results)).toBe(1);
        const winner = results.findIndex(({ ok }) => ok);
        const [stored] = await backend.document.read('c', ['a']);
        expect(stored?.body).toBe(`${round}-${winner}`);
        revision = stored?.revision;
      }
    });

    add('of many that claim one unique key exactly one gets it', async ({ backend, kit }) => {
      const ports = [backend.document, (await kit.open()).document];
      const claims = Array.from({ length: 40 }, (_, at) =>
        (ports[at % 2] ?? backend.document).commit('c', [
          put(`other${at}`),
          put(`d${at}`, { entries: [entry('email', 'x@y', true)] }),
        ]),
      );
      const results = await Promise.all(claims);
      expect(winners(results)).toBe(1);
      const winner = `d${results.findIndex(({ ok }) => ok)}`;
      for (const result of results)
        if (!result.ok) expect(result).toMatchObject({ failed: 1, reason: 'unique', holder: winner });
      expect(await walk(backend.document, 'c', { index: 'email' })).toEqual([winner]);
      expect((await walk(backend.document, 'c', { index: null })).length).toBe(2);
    });

    add('racing inserts and deletes: each id is created and deleted once', async ({ backend, kit }) => {
      const ports = [backend.document, (await kit.open()).document];
      const each = (write: (at: number) => ReturnType<typeof put>) =>
        Promise.all(
          Array.from({ length: 20 }, (_, at) => (ports[at % 2] ?? backend.document).commit('c', [write(at)])),
        );
      expect(winners(await each((at) => put('a', { expect: 'absent', body: `${at}` })))).toBe(1);
      const deletions = await each(() => remove('a'));
      expect(deletions.filter((one) => one.ok && one.written[0]?.revision !== 0).length).toBe(1);
    });

    add('racing updates lose nothing', async ({ backend, kit }) => {
      const collections = [openPeople(kit, backend), openPeople(kit, await kit.open())];
      const [first = openPeople(kit, backend)] = collections;
      await first.insert(person('ann', { age: 0 }), { id: '1' });
      const updates = Array.from({ length: 16 }, (_, at) => {
        const collection = collections[at % 2] ?? first;
        return at % 4 < 2
          ? collection.update('1', (value) => ({ ...value, age: value.age + 1 }))
          : collection.patch('1', { tags: [`t${at}`] });
      });
      await drive(kit, Promise.all(updates));
      expect(await first.get('1')).toMatchObject({ revision: 17, value: { age: 8 } });
    });

    add('racing seeds create each document once', async ({ backend, kit }) => {
      const collections = [openPeople(kit, backend), openPeople(kit, await kit.open())];
      const documents = Array.from({ length: 150 }, (_, at) => ({ id: `d${at}`, value: person(`n${at}`) }));
      const created = await drive(kit, Promise.all(collections.map((collection) => collection.seed(documents))));
      expect(created.reduce((sum, one) => sum + one, 0)).toBe(150);
      const [change] = (await backend.document.changes('people', 150, 1)).changes;
      expect(change).toBeUndefined();
    });

    add('a reader of the feed misses nothing while others write', async ({ backend, kit }) => {
      const writer = (await kit.open()).document;
      const ids = Array.from({ length: 30 }, (_, at) => `d${at}`);
      let writing = true;
      const writes = (async () => {
        for (let round = 0; round < 10; round++)
          for (const [at, id] of ids.entries())
            await writer.commit('c', [(at + round) % 4 ? put(id, { body: `${round}` }) : remove(id)]);
        writing = false;
      })();
      const mirror = new Map<string, string>();
      let after = 0;
      for (;;) {
        const last = !writing;
        const page = await backend.document.changes('c', after, 7);
        for (const { id, document } of page.changes) {
          if (document) mirror.set(id, document.body);
          else mirror.delete(id);
        }
        if (last && page.revision === after) break;
        after = page.revision;
      }
      await writes;
      const { documents } = await backend.document.scan('c', { index: null, limit: 100 });
      expect([...mirror].sort()).toEqual(documents.map(({ id, body }) => [id, body]).sort());
    });
  });
}
