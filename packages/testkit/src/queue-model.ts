import type { OwedPart, QueuePort } from '@portolan/core';
import fc from 'fast-check';
import { expect } from 'vitest';
import { KEEP, listedQueues, reconcile } from './queue-client.ts';
import { log, retryAnew } from './queue-model-amend.ts';
import { crowd, exchange, limit, newJobs, push } from './queue-model-exchange.ts';
import { command, id, session } from './queue-model-kit.ts';

const STATES = ['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled'] as const;

const amend = fc
  .record({ change: fc.constantFrom('cancel', 'retry', 'promote', 'remove', 'progress'), id, session })
  .map(({ change, id: one, session: name }) =>
    command(`${change} ${one} ${name}`, (port, queue) =>
      change === 'progress'
        ? port.amend(queue, { do: 'progress', id: one, session: name, progress: `"${name}"` })
        : port.amend(queue, { do: change as 'cancel', id: one }),
    ),
  );

const partsOf = async (port: QueuePort, queue: string, of: string) =>
  (await port.inspect({ of: 'parts', queue, id: of, cursor: null, limit: 9 })).parts ?? [];

const deliver = fc
  .record({
    id,
    part: fc.constantFrom('p1', 'p2', 'p3'),
    turn: fc.integer({ min: 1, max: 3 }),
    text: fc.constantFrom('1', '{"t":1.0}'),
    fail: fc.option(fc.constant('"by a part"'), { nil: undefined, freq: 3 }),
  })
  .map(({ fail, ...drawn }) => {
    const amendment = { do: 'deliver' as const, ...drawn, ...(fail === undefined ? {} : { fail }) };
    return command(`deliver ${JSON.stringify(amendment)}`, async (port, queue) => [
      await port.amend(queue, amendment),
      await partsOf(port, queue, amendment.id),
    ]);
  });

const owedOf = async (port: QueuePort, queue: string): Promise<readonly OwedPart[]> =>
  [...((await port.inspect({ of: 'owed', queue, limit: 100 })).owed ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1));

/** What was put off for hours, which nobody is shown until then. */
let putOff: { readonly port: QueuePort; readonly queue: string; readonly id: string; readonly turn: number }[] = [];

/** Of what is owed now, or of an outcome that does not stand. Turns are times, and so not those of another store. */
const strike = fc
  .record({ nth: fc.integer({ min: 0, max: 3 }), how: fc.constantFrom('strike', 'strike', 'defer', 'stale') })
  .map(({ nth, how }) =>
    command(`${how} ${nth}`, async (port, queue) => {
      const entry = (await owedOf(port, queue))[nth] ?? { id: 'j1', turn: 1 };
      const turn = how === 'stale' ? entry.turn - 1 : entry.turn;
      if (how === 'defer') {
        if (nth > 0) putOff.push({ port, queue, id: entry.id, turn });
        return port.amend(queue, { do: 'defer', id: entry.id, turn, delayMs: nth * 3_600_000 });
      }
      return port.amend(queue, { do: 'strike', id: entry.id, turn });
    }),
  );

const pause = fc
  .constantFrom('pause' as const, 'resume' as const, 'resume' as const)
  .map((change) => command(change, (port, queue) => port.amend(queue, { do: change })));

const scheduleId = fc.constantFrom('s1', 's2', 's3');
/** Long past, and one that is far off. */
const tickTime = fc.constantFrom(1_000, 2_000, 3_000, 4_000_000_000_000);

const schedule = fc
  .record({
    id: scheduleId,
    timing: fc.constantFrom('t1', 't2', ''),
    template: fc.string({ unit: 'grapheme', maxLength: 3 }),
    nextAt: fc.option(tickTime, { nil: null, freq: 5 }),
  })
  .map((said) =>
    command(`schedule ${JSON.stringify(said)}`, (port, queue) => port.amend(queue, { do: 'schedule', ...said })),
  );

const unschedule = scheduleId.map((one) =>
  command(`unschedule ${one}`, (port, queue) => port.amend(queue, { do: 'unschedule', id: one })),
);

const fire = fc
  .record({
    id: scheduleId,
    at: tickTime,
    nextAt: fc.option(tickTime, { nil: null, freq: 5 }),
    lastAt: fc.option(tickTime, { nil: null }),
    jobs: newJobs,
  })
  .map((tick) => command(`fire ${JSON.stringify(tick)}`, (port, queue) => port.amend(queue, { do: 'fire', ...tick })));

const beat = session.map((name) =>
  command(`beat ${name}`, async (port, queue) => {
    const { alive, cancel } = await port.beat(queue, name, 3_600_000);
    return { alive, cancel: [...cancel].sort() };
  }),
);

/** Ends a session's lease and sweeps: the one step that needs time to pass, of which 0 ms is enough. */
const vanish = session.map((name) =>
  command(`vanish ${name}`, async (port, queue, nonce) => {
    await port.exchange(queue, { session: name, nonce, leaseMs: 0, settled: [], claim: 0, retention: KEEP });
    const { recovered, failed, scheduleInMs, owes } = await port.sweep(queue, {
      maxStalls: 1,
      error: '"s"',
      retention: KEEP,
      idleMs: 600_000,
    });
    // Far off, or due.
    const tick = scheduleInMs && scheduleInMs > 0;
    return { recovered: [...recovered].sort(), failed: [...failed].sort(), tick, owes };
  }),
);

/** Nothing of what was done in whatever order is amiss. */
const lookOver = fc.constant(
  command('reconcile', async (port, queue) => (await reconcile(port, queue, { thorough: true })).repaired),
);

const commandsOf = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: push },
    { weight: 6, arbitrary: exchange },
    { weight: 4, arbitrary: amend },
    { weight: 1, arbitrary: retryAnew },
    { weight: 3, arbitrary: deliver },
    { weight: 2, arbitrary: strike },
    { weight: 2, arbitrary: log },
    { weight: 1, arbitrary: pause },
    { weight: 2, arbitrary: schedule },
    { weight: 1, arbitrary: unschedule },
    { weight: 2, arbitrary: fire },
    { weight: 2, arbitrary: limit },
    { weight: 1, arbitrary: beat },
    { weight: 1, arbitrary: vanish },
    { weight: 3, arbitrary: lookOver },
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
);

/** Everything that can be seen of the queue, without times. Finished jobs are compared as sets: their order is that of time. */
async function picture(port: QueuePort, queue: string): Promise<unknown> {
  const lists = await Promise.all(
    STATES.map(async (state) => {
      const found = await port.inspect({ of: 'state', queue, state, cursor: null, limit: 100 });
      const jobs = found.jobs.map((job) => ({
        ...job,
        dueAt: job.dueAt !== null,
        startedAt: job.startedAt !== null,
        finishedAt: job.finishedAt !== null,
      }));
      const ordered = state === 'waiting';
      return [state, ordered ? jobs : jobs.sort((a, b) => (a.id < b.id ? -1 : 1)), found.queues];
    }),
  );
  const owed = (await owedOf(port, queue)).map((entry) => ({ ...entry, turn: 0, missedMs: entry.missedMs !== null }));
  const told = await port.inspect({ of: 'schedules', queue, cursor: null, limit: 100 });
  return [lists, owed, told.schedules?.list, (await listedQueues(port)).includes(queue)];
}

/** Ends everything in a queue, which then leaves the list; answers its name if it is listed yet. */
async function empty(port: QueuePort, queue: string): Promise<readonly string[]> {
  const nothing = { count: 0, ms: 0 };
  await port.amend(queue, { do: 'resume' });
  await port.amend(queue, { do: 'limit', limits: null });
  for (const name of ['a', 'b']) {
    const request = { session: name, nonce: 'last', leaseMs: 0, settled: [], claim: 0, retention: KEEP };
    await port.exchange(queue, request);
  }
  const policy = { maxStalls: 0, error: '""', retention: { completed: nothing, failed: nothing }, idleMs: 1 };
  for (let more = true; more; ) more = (await port.sweep(queue, policy)).more;
  for (let n = 1; n <= 8; n += 1) await port.amend(queue, { do: 'remove', id: `j${n}` });
  for (let n = 1; n <= 3; n += 1) await port.amend(queue, { do: 'unschedule', id: `s${n}` });
  const hidden = putOff.filter((entry) => entry.port === port && entry.queue === queue);
  for (const { id: one, turn } of [...hidden, ...(await owedOf(port, queue))])
    await port.amend(queue, { do: 'strike', id: one, turn });
  // Real time, of which the idle time must pass.
  await new Promise((resolve) => setTimeout(resolve, 2));
  await port.sweep(queue, policy);
  // Its own name alone: another run that failed may have left its queue.
  return (await listedQueues(port)).filter((one) => one === queue);
}

/**
 * Random sequences: `subject` must answer as `oracle` does, and look the same after every step. Both run on the real clock; no sequence depends on
 * time. Each run has a queue of its own, emptied in the end.
 */
export async function checkQueueModel(oracle: QueuePort, subject: QueuePort, runs: number): Promise<void> {
  let run = 0;
  const property = fc.asyncProperty(crowd, commandsOf, async (first, others) => {
    const commands = [...first, ...others];
    run += 1;
    putOff = [];
    const queue = `model-${run}`;
    for (const [index, { text, step }] of commands.entries()) {
      const what = `after ${index + 1} commands, the last: ${text}`;
      const nonce = `n${index}`;
      const [wanted, answered] = await Promise.all([step(oracle, queue, nonce), step(subject, queue, nonce)]);
      expect(answered, what).toEqual(wanted);
      const [expected, seen] = await Promise.all([picture(oracle, queue), picture(subject, queue)]);
      expect(seen, what).toEqual(expected);
    }
    const ids = Array.from({ length: 8 }, (_, at) => `j${at + 1}`);
    const parts = (port: QueuePort) => Promise.all(ids.map((one) => partsOf(port, queue, one)));
    expect(await parts(subject)).toEqual(await parts(oracle));
    const left = await Promise.all([empty(oracle, queue), empty(subject, queue)]);
    expect(left).toEqual([[], []]);
  });
  await fc.assert(property, { numRuns: runs });
}
