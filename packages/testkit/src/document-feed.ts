import { expect } from 'vitest';
import { committed, put, remove } from './document-fixtures.ts';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';

export function documentFeedSuite(harness: Harness): void {
  suite(harness, 'document feed', (add) => {
    add('each document comes once, at its latest change', async ({ backend }) => {
      const port = backend.document;
      await committed(port.commit('c', [put('a'), put('b'), put('c')]));
      await committed(port.commit('c', [put('a', { body: '2' }), remove('b')]));
      const { changes, revision, gap } = await port.changes('c', 0, 10);
      expect(changes).toMatchObject([
        { revision: 3, id: 'c', document: { body: '{"id":"c"}' } },
        { revision: 4, id: 'a', document: { body: '2', revision: 4 } },
        { revision: 5, id: 'b', document: null },
      ]);
      expect({ revision, gap }).toEqual({ revision: 5, gap: false });
      await committed(port.commit('c', [put('b')]));
      expect((await port.changes('c', 4, 10)).changes).toMatchObject([{ revision: 6, id: 'b', document: { id: 'b' } }]);
    });

    add('pages follow each other without loss, and end where nothing is new', async ({ backend }) => {
      const port = backend.document;
      const ids = Array.from({ length: 25 }, (_, at) => `d${at}`);
      await committed(
        port.commit(
          'c',
          ids.map((id) => put(id)),
        ),
      );
      await committed(
        port.commit(
          'c',
          ids.filter((_, at) => at % 3 === 0).map((id) => remove(id)),
        ),
      );
      const seen: number[] = [];
      let after = 0;
      for (;;) {
        const page = await port.changes('c', after, 4);
        expect(page.changes.length).toBeLessThanOrEqual(4);
        seen.push(...page.changes.map(({ revision }) => revision));
        if (page.revision === after) break;
        after = page.revision;
      }
      expect(after).toBe(34);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(new Set(seen).size).toBe(25);
    });

    add('an unknown collection has no changes; a place beyond the last revision is a gap', async ({ backend }) => {
      const port = backend.document;
      expect(await port.changes('c', 0, 10)).toEqual({ changes: [], revision: 0, gap: false });
      await committed(port.commit('c', [put('a'), put('b')]));
      expect(await port.changes('c', 2, 10)).toEqual({ changes: [], revision: 2, gap: false });
      expect(await port.changes('c', 3, 10)).toEqual({ changes: [], revision: 2, gap: true });
      expect(await port.changes('c', Number.MAX_SAFE_INTEGER, 1)).toEqual({ changes: [], revision: 2, gap: true });
    });

    add(
      'after more deletions than are remembered, a reader from before them is told of the gap',
      async ({ backend }) => {
        const port = backend.document;
        await committed(port.commit('c', [put('kept')]));
        const batches = 101;
        for (let batch = 0; batch < batches; batch++) {
          const ids = Array.from({ length: 100 }, (_, at) => `d${batch}-${at}`);
          await committed(
            port.commit(
              'c',
              ids.map((id) => put(id)),
            ),
          );
          await committed(
            port.commit(
              'c',
              ids.map((id) => remove(id)),
            ),
          );
        }
        const revision = 1 + batches * 200;
        // Batch 0 put 2..101 and deleted 102..201; of 10,100 deletions the first 100 are forgotten.
        expect(await port.changes('c', 200, 10)).toEqual({ changes: [], revision, gap: true });
        expect(await port.changes('c', 201, 1)).toMatchObject({
          changes: [{ id: 'd1-0', document: null }],
          gap: false,
        });
        expect(await port.changes('c', 0, 1)).toMatchObject({ changes: [{ id: 'kept' }], gap: false });
      },
      60_000,
    );
  });
}
