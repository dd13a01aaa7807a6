import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { settled as turn } from './manual-clock.ts';
import { completed, KEEP, limit, queueClient, reconcile, released, retry } from './queue-client.ts';
import { drainQueue, fillQueue, jobsOf } from './queue-reconcile-kit.ts';
import { suite } from './suite.ts';

/** A look whether a queue agrees with itself changes nothing of what does. What it repairs is each adapter's own to break, and to test. */
export function queueReconcileSuite(harness: Harness): void {
  suite(harness, 'queue reconcile', (add) => {
    add('nothing is repaired of a queue that has everything', async ({ backend }) => {
      await fillQueue(backend.queue);
      const before = await jobsOf(backend.queue);
      expect((await reconcile(backend.queue, 'work', { thorough: true })).repaired).toEqual({});
      expect((await reconcile(backend.queue, 'work', { dryRun: true })).repaired).toEqual({});
      expect((await reconcile(backend.queue, 'unknown', { thorough: true })).repaired).toEqual({});
      expect(await jobsOf(backend.queue)).toEqual(before);
      const ended = new Set([...before.completed, ...before.failed, ...before.cancelled]);
      const runs = await drainQueue(backend.queue);
      expect([...runs].filter(([id, n]) => n > 1 || ended.has(id))).toEqual([]);
      const { completed: done, failed, cancelled } = await jobsOf(backend.queue);
      expect([...done, ...failed, ...cancelled].sort()).toEqual(Object.values(before).flat().sort());
    });

    add('nor of one that is busy, and every job runs once', async ({ kit, backend }) => {
      const port = (await kit.open()).queue;
      await fillQueue(backend.queue);
      await limit(backend.queue, { concurrency: 30, group: { concurrency: 2, rate: { count: 40, ms: 20 } } });
      const ids = Array.from({ length: 600 }, (_, n) => `busy-${n}`);
      const clients = ['x', 'y', 'z'].map((session) => queueClient(backend.queue, session));
      const runs = new Map<string, number>();
      const handedBack = new Set<string>();
      let busy = true;
      async function look(): Promise<readonly object[]> {
        const found: object[] = [];
        while (busy) {
          found.push((await reconcile(port, 'work')).repaired);
          await turn();
        }
        return found;
      }
      async function produce(): Promise<void> {
        for (let from = 0; from < ids.length; from += 20) {
          const some = ids.slice(from, from + 20).map((id, n) => ({
            ...{ id, priority: n % 5 === 1 ? n - 9 : 0, delayMs: n % 5 === 2 ? 1 : 0 },
            ...(n % 5 === 3 ? { group: `group ${n % 2}` } : {}),
            ...(n % 5 === 4 ? { dedupeKey: id } : {}),
          }));
          await clients[0]?.push(...some, { id: `cancelled-${from}` });
          await backend.queue.amend('work', { do: 'cancel', id: `cancelled-${from}` });
        }
      }
      /** Some fail once, some are handed back once, the others complete. */
      async function consume(client: ReturnType<typeof queueClient>, nth: number): Promise<void> {
        let settled: Parameters<typeof client.settle> = [];
        while (ids.some((id) => !runs.has(id))) {
          const { jobs } = await client.exchange({ claim: 7, settled, retention: KEEP });
          settled = jobs.map(({ id, attempt }, n) => {
            if (attempt === 1 && n % 7 === nth) return retry(id);
            if (attempt === 2 && n % 3 === nth && !handedBack.has(id)) {
              handedBack.add(id);
              return released(id);
            }
            runs.set(id, (runs.get(id) ?? 0) + 1);
            return completed(id);
          });
          if (settled.length === 0) await kit.pass(2);
        }
        await client.settle(...settled);
      }
      const looking = look();
      const work = [produce(), ...clients.map(consume)];
      await Promise.all(work).finally(() => {
        busy = false;
      });
      const found = await looking;
      expect(found.length).toBeGreaterThan(0);
      expect(found.filter((repaired) => Object.keys(repaired).length > 0)).toEqual([]);
      expect(ids.map((id) => runs.get(id))).toEqual(ids.map(() => 1));
      expect((await reconcile(port, 'work')).repaired).toEqual({});
    });
  });
}
