import { createQueue } from '@portolan/core';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { answering, describeFaults, open, start } from './fault-kit.ts';
import { countsOf, job, runtime, stopping, until, work } from './queue-kit.ts';

/** A connection of its own to a server. */
function administer(url: string): Redis {
  const admin = new Redis(url);
  stopping.push(() => void admin.disconnect());
  return admin;
}

describeFaults('Redis goes away under workers', () => {
  it('all queues of a process wait on one connection, and a wait survives its end', async () => {
    const server = await start();
    const store = await open(server.url);
    const admin = administer(server.url);
    const blocked = async (): Promise<(string | undefined)[]> => {
      const lines = String(await admin.client('LIST')).split('\n');
      return lines.filter((line) => / cmd=blpop/.test(line)).map((line) => /^id=(\d+)/.exec(line)?.[1]);
    };
    const other = await open(server.url);
    // Of another process, as it were: one's own pushes wake without Redis.
    const push = (name: string) => other.queue.push(name, [{ id: '1', body: '', priority: 0, delayMs: 0 }]);
    const { signal } = new AbortController();
    const waits = ['a', 'b', 'c', 'd'].map((name) => store.queue.wait([name], signal));
    await until(async () => (await blocked()).length).toBe(1);
    await push('d');
    await waits[3];
    const [id = ''] = await blocked();
    await admin.call('CLIENT', 'KILL', 'ID', id);
    await push('a');
    await waits[0];
    const later = store.queue.wait(['e'], signal);
    await push('e');
    await later;
  });

  it('SCRIPT FLUSH and CLIENT KILL in the middle of the work lose nothing and run nothing twice', async () => {
    const server = await start();
    const store = await open(server.url);
    const admin = administer(server.url);
    const producer = createQueue({ port: store.queue, runtime });
    const runs = new Map<unknown, number>();
    work(store, (data) => runs.set(data, (runs.get(data) ?? 0) + 1).size);
    const list = Array.from({ length: 400 }, (_, data) => ({ data }));
    for (let from = 0; from < 400; from += 50) {
      await producer.enqueueMany(job, list.slice(from, from + 50));
      await admin.script('FLUSH');
      if (from % 100 === 0) await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await answering(store);
    }
    await until(async () => (await countsOf(producer))?.completed).toBe(400);
    expect(runs.size).toBe(400);
    expect([...runs.values()].filter((times) => times > 1)).toEqual([]);
  });

  it.each(['stop', 'kill'] as const)(
    '%s and start again: workers resume by themselves and nothing is lost',
    async (how) => {
      const server = await start({ appendOnly: true });
      const store = await open(server.url);
      const producer = createQueue({ port: store.queue, runtime });
      const runs = new Map<unknown, number>();
      const worker = work(store, async (data) => {
        runs.set(data, (runs.get(data) ?? 0) + 1);
        await runtime.sleep(2);
      });
      const acknowledged: string[] = [];
      const add = async (from: number): Promise<void> => {
        const made = await producer.enqueueMany(
          job,
          Array.from({ length: 100 }, (_, n) => ({ data: from + n })),
        );
        acknowledged.push(...made.map(({ id }) => id));
      };
      await add(0);
      await until(() => runs.size > 20).toBe(true);
      await server[how]();
      await expect(add(100)).rejects.toMatchObject({ retryable: true });
      await server.start();
      await until(() =>
        add(200).then(
          () => true,
          () => false,
        ),
      ).toBe(true);
      await until(async () => {
        const states = await Promise.all(acknowledged.map(async (id) => (await producer.get(id))?.state));
        return states.filter((state) => state !== 'completed').length;
      }).toBe(0);
      await worker.stop({ graceMs: 0 });
    },
    40_000,
  );
});
