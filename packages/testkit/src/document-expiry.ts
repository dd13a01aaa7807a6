import { expect } from 'vitest';
import { committed, entry, put, walk } from './document-fixtures.ts';
import type { Harness } from './harness.ts';
import { suite } from './suite.ts';

export function documentExpirySuite(harness: Harness): void {
  suite(harness, 'document expiry', (add) => {
    add('an expired document is absent everywhere', async ({ backend, kit }) => {
      const port = backend.document;
      const entries = [entry('city', 'Rome')];
      const soon = kit.runtime.clock.now() + 150;
      await committed(port.commit('c', [put('dies', { entries, expiresAt: soon }), put('stays', { entries })]));
      await kit.pass(200);
      expect(await port.read('c', ['dies', 'stays'])).toMatchObject([null, { id: 'stays', expiresAt: null }]);
      expect(await port.collections()).toMatchObject([{ name: 'c', documents: 1 }]);
      expect(await walk(port, 'c', { index: null })).toEqual(['stays']);
      expect(await walk(port, 'c', { index: 'city' })).toEqual(['stays']);
      expect(await port.commit('c', [put('dies', { expect: 'present' })])).toMatchObject({
        ok: false,
        reason: 'missing',
      });
    });

    add('expiry is a deletion in the feed', async ({ backend, kit }) => {
      const port = backend.document;
      await committed(port.commit('c', [put('dies', { expiresAt: kit.runtime.clock.now() + 100 }), put('stays')]));
      await kit.pass(150);
      expect(await port.changes('c', 2, 10)).toEqual({
        changes: [{ revision: 3, id: 'dies', document: null }],
        revision: 3,
        gap: false,
      });
    });

    add('expiry frees the id and its unique keys', async ({ backend, kit }) => {
      const port = backend.document;
      const entries = [entry('email', 'x@y', true)];
      await committed(port.commit('c', [put('old', { entries, expiresAt: kit.runtime.clock.now() + 100 })]));
      await kit.pass(150);
      const at = await port.commit('c', [put('new', { entries }), put('old', { expect: 'absent' })]);
      expect(at).toMatchObject({ ok: true, written: [{}, { createdAt: at.ok ? at.at : 0 }] });
      expect(await walk(port, 'c', { index: 'email' })).toEqual(['new']);
    });

    add('a write changes or ends the expiry', async ({ backend, kit }) => {
      const port = backend.document;
      const now = kit.runtime.clock.now();
      await committed(
        port.commit('c', [put('kept', { expiresAt: now + 250 }), put('longer', { expiresAt: now + 250 })]),
      );
      await committed(port.commit('c', [put('kept'), put('longer', { expiresAt: now + 86_400_000 })]));
      await committed(port.commit('c', [put('shorter', { expiresAt: now + 86_400_000 })]));
      await committed(port.commit('c', [put('shorter', { expiresAt: now + 100 })]));
      await kit.pass(300);
      expect(await walk(port, 'c', { index: null })).toEqual(['kept', 'longer']);
    });

    add('a crowd that expired at once hides nothing, and its keys are free', async ({ backend, kit }) => {
      const port = backend.document;
      const expiresAt = kit.runtime.clock.now() + 300;
      const crowd = 1_500;
      const name = (at: number) => `d${String(at).padStart(4, '0')}`;
      for (let start = 0; start < crowd; start += 100) {
        const writes = Array.from({ length: 100 }, (_, at) => {
          const id = name(start + at);
          return put(id, { expiresAt, entries: [entry('all', true), entry('name', id, true)] });
        });
        await committed(port.commit('c', writes));
      }
      const entries = [entry('all', true)];
      await committed(port.commit('c', [put('a-first', { entries }), put('z-last', { entries })]));
      await kit.eventually('the crowd has expired', async () => (await port.read('c', [name(0)]))[0] === null);
      const claim = put('claims', { entries: [entry('name', name(crowd - 1), true)] });
      await committed(port.commit('c', [claim, put(name(crowd - 150), { expect: 'absent' })]));
      // Only expired ones follow within the bounds: that is the end.
      const alone = await port.scan('c', { index: null, from: name(crowd - 200), to: 'e', limit: 1 });
      expect(alone).toMatchObject({ documents: [{ id: name(crowd - 150) }], next: null });
      expect(await walk(port, 'c', { index: 'all', limit: 1 })).toEqual(['a-first', 'z-last']);
      expect(await walk(port, 'c', { index: 'all', limit: 1, reverse: true })).toEqual(['z-last', 'a-first']);
      expect(await walk(port, 'c', { index: null })).toEqual(['a-first', 'claims', name(crowd - 150), 'z-last']);
    });
  });
}
