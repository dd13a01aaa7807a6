import {
  type Backend,
  type CopyState,
  copyBackend,
  inspectBackend,
  TRANSFER_PARTS,
  type TransferPart,
} from '@portolan/core';
import { expect } from 'vitest';
import { put } from './document-fixtures.ts';
import type { Harness } from './harness.ts';

import { suite } from './suite.ts';
import { dumpAll, fillEveryKind, transferOf } from './transfer-fixtures.ts';
import { moveCases } from './transfer-move.ts';
import { portCases } from './transfer-ports.ts';
import { queueCases } from './transfer-queue.ts';

export function transferSuite(harness: Harness): void {
  suite(harness, 'transfer', (add) => {
    const move = moveCases(harness, add);

    move(
      'every kind of record comes over as it is, and comes over again without a change',
      async ({ kit, backend, to, copy }) => {
        await fillEveryKind(kit, backend);
        const copied = await copy();
        expect(copied.map(({ part, equal }) => [part, equal])).toEqual(TRANSFER_PARTS.map((part) => [part, true]));
        expect(copied.every(({ from }) => from.records > 0)).toBe(true);
        const source = await dumpAll(backend);
        expect(await dumpAll(to)).toEqual(source);
        await copy({ pageSize: 7, intoExisting: true });
        expect(await dumpAll(to)).toEqual(source);
      },
    );

    for (const other of harness.others ?? []) {
      move(
        `everything comes over to ${other.name} and back`,
        async ({ kit, backend, to, copy }) => {
          await fillEveryKind(kit, backend);
          const source = await dumpAll(backend);
          await copy();
          expect(await dumpAll(to)).toEqual(source);
          const home = await harness.open({ namespace: `${kit.namespace}-home`, runtime: kit.runtime });
          const back = await copyBackend({ from: to, to: home, runtime: kit.runtime });
          expect(back.filter(({ equal }) => !equal)).toEqual([]);
          expect(await dumpAll(home)).toEqual(source);
          await home.close();
        },
        other,
      );
    }

    add(
      'small pages tell the same as large ones, and a cursor is good for another process',
      async ({ kit, backend }) => {
        await fillEveryKind(kit, backend);
        const whole = await dumpAll(backend);
        for (const limit of [1, 7]) expect(await dumpAll(backend, limit)).toEqual(whole);
        const second = await kit.open();
        for (const part of TRANSFER_PARTS) {
          const page = await transferOf(backend).dump(part, null, 2);
          if (page.cursor === null) continue;
          const [here, there] = await Promise.all(
            [backend, second].map((one) => transferOf(one).dump(part, page.cursor, 2)),
          );
          expect(there).toEqual(here);
          await expect(transferOf(backend).dump(part, 'nonsense', 2)).rejects.toMatchObject({ code: 'INVALID' });
        }
      },
    );

    move('a copy that was cut off goes on behind its last page', async ({ kit, backend, to, copy }) => {
      await fillEveryKind(kit, backend);
      const state = memoryState();
      let pages = 0;
      let loaded = 0;
      const cut = copy({
        state,
        pageSize: 5,
        to: spyOnLoads(to, async (records, load) => {
          if (++pages > 30) throw new Error('killed');
          loaded += records.length;
          await load();
        }),
      });
      await expect(cut).rejects.toThrow('killed');
      let again = 0;
      const copied = await copy({
        state,
        pageSize: 5,
        to: spyOnLoads(to, async (records, load) => {
          again += records.length;
          await load();
        }),
      });
      expect(copied.filter(({ equal }) => !equal)).toEqual([]);
      expect(copied.reduce((sum, one) => sum + one.loaded, 0)).toBe(loaded + again);
      expect(await dumpAll(to)).toEqual(await dumpAll(backend));
    });

    move('a difference is told by part, and that part alone is copied again', async ({ kit, backend, to, copy }) => {
      await fillEveryKind(kit, backend);
      const state = memoryState();
      await to.counter.write('stranger', 1);
      await expect(copy({ state })).rejects.toMatchObject({ code: 'CONFLICT' });
      const unequal = (await copy({ state, intoExisting: true })).filter(({ equal }) => !equal);
      expect(unequal.map(({ part, from, to: other }) => [part, other.records - from.records])).toEqual([
        ['counter', 1],
      ]);
      await to.counter.write('stranger', null);
      await to.counter.write('zero', 5);
      const parts = new Set<string>();
      const again = await copy({
        state,
        to: spyOnLoads(to, async (records, load) => {
          for (const { of } of records) parts.add(of);
          await load();
        }),
      });
      expect(again.every(({ equal }) => equal)).toBe(true);
      expect([...parts]).toEqual(['counter']);
    });

    queueCases(move);
    portCases(move);

    add('a digest tells every change and no order', async ({ kit, backend }) => {
      await fillEveryKind(kit, backend);
      const digests = async () => {
        const found = await inspectBackend(backend, { runtime: kit.runtime, pageSize: 50 });
        return new Map(found.map(({ part, digest }) => [part, digest.sha256]));
      };
      let last = await digests();
      expect(await digests()).toEqual(last);
      const changes: [TransferPart, () => Promise<unknown>][] = [
        ['keyValue', () => setField(backend, 'large', 'f1')],
        ['counter', () => backend.counter.write('zero', 1)],
        ['cache', () => backend.cache.retag(['news'])],
        ['document', () => backend.document.commit('words', [put('ключ')])],
        ['queue', () => backend.queue.amend('other', { do: 'resume' })],
        ['queue', () => backend.queue.amend('work', { do: 'unschedule', id: 'far' })],
        [
          'broadcast',
          () => backend.broadcast.append('other', [{ data: '2' }], { count: 9, ms: 3_600_000, resumeMs: 0 }),
        ],
      ];
      for (const [part, change] of changes) {
        await change();
        const now = await digests();
        expect(TRANSFER_PARTS.filter((one) => now.get(one) !== last.get(one))).toEqual([part]);
        last = now;
      }
    });

    add('an inspection tells what stands where', async ({ kit, backend }) => {
      await fillEveryKind(kit, backend);
      const found = await inspectBackend(backend, { runtime: kit.runtime });
      const listing = Object.fromEntries(
        found.map(({ part, listing }) => [part, Object.fromEntries(listing.map(({ name, counts }) => [name, counts]))]),
      );
      expect(listing).toEqual({
        keyValue: { keys: { values: 46, fields: 2_503 } },
        counter: { counters: { counters: 3 } },
        cache: { entries: { entries: 3 }, tags: { tags: 2 } },
        document: {
          emptied: { revision: 2, deletions: 1 },
          numbers: { revision: 63, documents: 58, deletions: 2 },
          words: { revision: 2, documents: 2 },
        },
        queue: {
          groups: { limited: 1, waiting: 7, active: 1 },
          flows: { active: 2, cancelled: 1, completed: 1, delayed: 1, failed: 1, parts: 43, owed: 3 },
          other: { paused: 1, waiting: 1 },
          timed: { schedules: 1 },
          work: { schedules: 3, active: 3, waiting: 7, delayed: 1, completed: 1, failed: 1, cancelled: 1 },
        },
        broadcast: { news: { messages: 30 }, other: { messages: 1 } },
      });
      for (const { part, records } of found)
        expect(await transferOf(backend).count(part)).toBeLessThanOrEqual(records + 10);
    });
  });
}

const setField = (backend: Backend, key: string, field: string) =>
  backend.keyValue.commit([], [{ op: 'setFields', key, fields: { [field]: 'changed' }, expiresAt: 'keep' }]);

function memoryState(): CopyState {
  let saved: string | null = null;
  return {
    load: () => saved,
    save: (text) => {
      saved = text;
    },
  };
}

type Load = NonNullable<Backend['transfer']>['load'];

/** The backend with its loads seen, and let through, by `spy`. */
function spyOnLoads(
  backend: Backend,
  spy: (records: Parameters<Load>[0], load: () => Promise<void>) => Promise<void>,
): Backend {
  const transfer = transferOf(backend);
  return { ...backend, transfer: { ...transfer, load: (records) => spy(records, () => transfer.load(records)) } };
}
