import { expect } from 'vitest';
import { completed, limit, type QueueClient, queueClient, released, retry, several } from './queue-client.ts';
import type { AddCase, Case } from './suite.ts';
import { job, withBench } from './worker-bench.ts';

const ONE = { group: { concurrency: 1 } };

/** Many jobs and many groups, with and without workers. */
export function manyCases(add: AddCase): void {
  add(
    'a backlog of one group does not keep the others from running',
    async ({ backend }) => {
      const client = queueClient(backend.queue, 'a');
      await limit(backend.queue, ONE);
      for (let from = 1; from <= 10_000; from += 500) await client.push(...several(500, { group: 'big' }, from));
      await client.push({ id: 'other', group: 'other' }, { id: 'none' });
      const taken: string[] = [];
      let exchanges = 0;
      for (let due: number | null = 0; due === 0; exchanges += 1) {
        const { jobs, dueInMs } = await client.exchange({ claim: 50 });
        taken.push(...jobs.map((one) => one.id));
        due = dueInMs;
      }
      expect(taken).toEqual(['big-1', 'other', 'none']);
      // Each moved a thousand at most.
      expect(exchanges).toBeGreaterThan(9);
      expect(await client.counts()).toMatchObject({ waiting: 9_999, active: 3 });
      const { jobs } = await client.exchange({ settled: [completed('big-1')], claim: 50 });
      expect(jobs.map((one) => one.id)).toEqual(['big-2']);
      await limit(backend.queue, null);
      expect((await client.claim(500)).slice(0, 2)).toEqual(['big-3', 'big-4']);
    },
    60_000,
  );

  add(
    'a thousand groups stay within their limit, whatever happens',
    async ({ kit, backend }) => {
      const clients = [backend, await kit.open()].flatMap(({ queue }, at) =>
        [0, 1].map((one) => queueClient(queue, `session-${at}-${one}`)),
      );
      await limit(backend.queue, ONE);
      for (let round = 1; round <= 3; round += 1) {
        for (let from = 0; from < 1_000; from += 500) {
          const jobs = Array.from({ length: 500 }, (_, at) => ({ group: `g${from + at}`, priority: (at * round) % 3 }));
          await clients[0]?.push(...jobs.map((one) => ({ ...one, id: `${one.group}-${round}` })));
        }
      }
      await runAll(clients, 3_000);
      expect(await clients[0]?.counts()).toMatchObject({ waiting: 0, active: 0 });
    },
    60_000,
  );

  add('workers never run two of a group at once, and run them all', allWithWorkers, 60_000);
}

const groupOf = (id: string): string => id.slice(0, id.indexOf('-'));

/** Claims and ends jobs in all ways until all are done; no group may have two active ones. */
async function runAll(clients: readonly QueueClient[], count: number): Promise<void> {
  const active = new Set<string>();
  const held = clients.map((): string[] => []);
  let done = 0;
  for (let turn = 0; done < count; turn += 1) {
    const at = turn % clients.length;
    const client = clients[at] as QueueClient;
    const mine = held[at] as string[];
    const ending = mine.splice(0, 10 + ((turn * 7) % 200));
    const settled = ending.map((id, n) =>
      turn < 40 && n % 5 === 0 ? released(id) : turn < 40 && n % 7 === 0 ? retry(id) : completed(id),
    );
    done += settled.filter((one) => one.outcome === 'completed').length;
    const { jobs, refused } = await client.exchange({ settled, claim: 50 + ((turn * 13) % 150) });
    expect(refused).toEqual([]);
    for (const id of ending) active.delete(groupOf(id));
    for (const { id } of jobs) {
      expect(active.has(groupOf(id))).toBe(false);
      active.add(groupOf(id));
      mine.push(id);
    }
  }
}

async function allWithWorkers({ kit, backend }: Case): Promise<void> {
  const other = await kit.open();
  await withBench(kit, backend, async ({ queue, worker, events }) => {
    await queue.limit('work', ONE);
    const running = new Map<number, number>();
    const run = async ({ n }: { readonly n: number }) => {
      const group = n % 20;
      const now = (running.get(group) ?? 0) + 1;
      running.set(group, now);
      await kit.runtime.sleep(1);
      running.set(group, (running.get(group) ?? 0) - 1);
      if (now > 1) throw new Error(`group ${group} runs twice`);
    };
    const list = Array.from({ length: 1_000 }, (_, n) => ({
      data: { n },
      options: { group: `g${n % 20}`, attempts: 1 },
    }));
    await queue.enqueueMany(job, list);
    worker(run);
    worker(run, { port: other.queue });
    const ended = () => events.filter(({ type }) => type === 'completed' || type === 'failed');
    await kit.eventually('all have ended', () => ended().length === 1_000, 50_000);
    expect(ended().filter(({ type }) => type === 'failed')).toEqual([]);
  });
}
