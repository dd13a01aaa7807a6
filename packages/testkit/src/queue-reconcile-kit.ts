import type { JobState, QueuePort } from '@portolan/core';
import { completed, failed, KEEP, limit, queueClient, several } from './queue-client.ts';

const QUEUE = 'work';
const STATES: readonly JobState[] = ['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled'];

/** Fills a queue with jobs in every state that there is, and with all that is kept beside jobs. Sessions `a` and `b` lease some. */
export async function fillQueue(port: QueuePort): Promise<void> {
  const client = queueClient(port, 'a');
  const other = queueClient(port, 'b');
  const amend = (amendment: Parameters<QueuePort['amend']>[1]) => port.amend(QUEUE, amendment);
  const push = (...jobs: Parameters<typeof client.push>) => client.push(...jobs);
  await push({ id: 'done' }, { id: 'broken', dedupeKey: 'free' }, { id: 'child', parent: 'somebody' });
  await client.claim(3);
  await client.settle(completed('done'), failed('broken'), completed('child'));

  await limit(port, { concurrency: 50, group: { concurrency: 1, rate: { count: 100, ms: 3_600_000 } } });
  await push(...several(4, { group: 'g' }), ...several(3, { group: 'h', priority: 2 }), { id: 'runs', dedupeKey: 'r' });
  await other.claim(20);
  await push({ id: 'asked' }, { id: 'logs', priority: 900 });
  await client.claim(2);
  await amend({ do: 'cancel', id: 'asked' });
  await amend({ do: 'log', id: 'logs', session: 'a', lines: ['one', 'two'] });
  await amend({ do: 'progress', id: 'logs', session: 'a', progress: '1' });

  await push({ id: 'parent', awaits: 2, priority: 3 }, { id: 'later', delayMs: 3_600_000, dedupeKey: 'l' });
  await amend({ do: 'deliver', id: 'parent', part: 'one', turn: 1, text: '1' });
  await push(...several(5), ...several(3, { group: 'i' }), { id: 'high', priority: 7 }, { id: 'low', priority: -7 });
  await push(
    { id: 'keyed', dedupeKey: 'k' },
    { id: 'hole' },
    { id: 'gone' },
    { id: 'again' },
    { id: 'high-hole', priority: 8 },
  );
  await push({ id: 'retried' });
  for (const id of ['hole', 'again', 'high-hole', 'retried']) await amend({ do: 'cancel', id });
  await amend({ do: 'remove', id: 'gone' });
  await amend({ do: 'retry', id: 'again' });
  await amend({ do: 'schedule', id: 'daily', timing: 't', template: 't', nextAt: 4_000_000_000_000 });
}

/** Everything that a queue holds, by state. */
export async function jobsOf(port: QueuePort): Promise<Readonly<Record<JobState, readonly string[]>>> {
  const client = queueClient(port, 'reader');
  const lists = await Promise.all(STATES.map(async (state) => [state, (await client.list(state)).sort()] as const));
  return Object.fromEntries(lists) as Record<JobState, string[]>;
}

/** Ends every session, lifts limits, brings every part and runs what there is to its end. Answers how often each job ran. */
export async function drainQueue(port: QueuePort): Promise<ReadonlyMap<string, number>> {
  const client = queueClient(port, 'last');
  const runs = new Map<string, number>();
  await port.amend(QUEUE, { do: 'resume' });
  await limit(port, null);
  for (const session of ['a', 'b']) {
    await queueClient(port, session).exchange({ leaseMs: 0 });
    while ((await client.sweep({ maxStalls: 99, retention: KEEP })).more);
  }
  for (let left = 1; left > 0; ) {
    for (const id of await client.list('delayed')) {
      for (const part of ['one', 'two', 'three']) {
        await port.amend(QUEUE, { do: 'deliver', id, part, turn: 1, text: '1' });
      }
      await port.amend(QUEUE, { do: 'promote', id });
    }
    const { jobs } = await client.exchange({ claim: 100 });
    for (const { id } of jobs) runs.set(id, (runs.get(id) ?? 0) + 1);
    await client.settle(...jobs.map(({ id }) => completed(id)));
    const { waiting, delayed, active } = await client.counts();
    left = jobs.length === 0 ? 0 : waiting + delayed + active;
  }
  return runs;
}
