import { DatabaseSync } from 'node:sqlite';
import { memoryAdapter } from '@portolan/adapter-memory';
import { type Backend, createRuntime, type ExchangeRequest, type NewJob } from '@portolan/core';
import { checkQueueModel, createManualRuntime, settled } from '@portolan/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Engine } from '../src/engine.ts';
import { sqliteAdapter } from '../src/index.ts';
import { sweepUnlisted } from '../src/queue-list.ts';
import { COUNTS_ALL } from '../src/queue-reconcile-sums.ts';
import { sweepSessions } from '../src/queue-session.ts';
import { temporaryFile } from './process-kit.ts';

const KEEP = { completed: { count: 1_000, ms: 3_600_000 }, failed: { count: 1_000, ms: 3_600_000 } };
const original = Engine.prototype.sql;
const NOTHING = { completed: { count: 0, ms: 0 }, failed: { count: 0, ms: 0 } };

let file: string;
let backend: Backend;
let raw: DatabaseSync;
const closing: (() => unknown)[] = [];

async function open(runtime = createRuntime()): Promise<Backend> {
  const opened = await sqliteAdapter().open(`sqlite:${file}`, { namespace: 'test', runtime, deadlineMs: 5_000 });
  closing.push(() => opened.close());
  return opened;
}

beforeEach(async () => {
  file = temporaryFile();
  backend = await open();
  raw = new DatabaseSync(file, { readOnly: true });
  closing.push(() => raw.close());
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

let nonces = 0;
const push = (...jobs: (Partial<NewJob> & { readonly id: string })[]) =>
  backend.queue.push(
    'work',
    jobs.map((job) => ({ body: '{}', priority: 0, delayMs: 0, ...job })),
  );
const exchange = (request: Partial<ExchangeRequest> = {}, on = backend) =>
  on.queue.exchange('work', {
    ...{ session: 's', nonce: String(++nonces), leaseMs: 60_000, settled: [], claim: 0, retention: KEEP },
    ...request,
  });
const rows = (text: string) =>
  raw
    .prepare(text)
    .all()
    .map((row) => ({ ...row }));
const ids = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `job-${String(n).padStart(6, '0')}` }));

/** What the counters say and what there is, by queue. */
const COUNTED = `SELECT waiting, delayed, active, completed, failed, cancelled,
    (SELECT count(*) FROM job_line WHERE queue = queue.number AND hole = 0) AS waiting_rows,
    (SELECT count(*) FROM job WHERE queue = queue.number AND due_at IS NOT NULL) AS delayed_rows,
    (SELECT coalesce(sum(json_array_length(held) / 3), 0) FROM job_session WHERE queue = queue.number) AS active_rows,
    (SELECT coalesce(sum(json_array_length(jobs)), 0) FROM job_batch WHERE queue = queue.number AND state = 0) AS completed_rows,
    (SELECT coalesce(sum(json_array_length(jobs)), 0) FROM job_batch WHERE queue = queue.number AND state = 1) AS failed_rows,
    (SELECT coalesce(sum(json_array_length(jobs)), 0) FROM job_batch WHERE queue = queue.number AND state = 2) AS cancelled_rows,
    (SELECT count(*) FROM job WHERE queue = queue.number) AS jobs
  FROM queue`;
const STRAYS = `SELECT
    (SELECT count(*) FROM job_line WHERE NOT EXISTS (SELECT 1 FROM job WHERE number = job AND job.place = job_line.place)) AS places,
    (SELECT count(*) FROM job_line WHERE hole = 1 AND NOT EXISTS (SELECT 1 FROM job_end JOIN job_batch ON number = batch WHERE job_end.job = job_line.job AND state = 2)) AS holes,
    (SELECT count(*) FROM job_end WHERE job NOT IN (SELECT number FROM job)) AS ends,
    (SELECT count(*) FROM job_batch, json_each(jobs) WHERE NOT EXISTS (SELECT 1 FROM job_end WHERE job = value AND batch = number)) AS batched,
    (SELECT count(*) FROM job_end) - (SELECT coalesce(sum(json_array_length(jobs)), 0) FROM job_batch) AS unbatched,
    (SELECT count(*) FROM job_end JOIN job ON number = job WHERE due_at IS NOT NULL OR dedupe_key IS NOT NULL OR asked = 1) AS unfinished`;

describe('the queue in SQLite', () => {
  it('a long page that is read in pieces shows no job of another queue under a number given anew', async () => {
    await push(...Array.from({ length: 250 }, (_, n) => ({ id: `a${n}` })));
    const page = backend.queue.inspect({ of: 'state', queue: 'work', state: 'waiting', cursor: null, limit: 500 });
    await new Promise((resolve) => setImmediate(resolve));
    await backend.queue.amend('work', { do: 'remove', id: 'a249' });
    await backend.queue.push('other', [{ id: 'secret', body: '{}', priority: 0, delayMs: 0 }]);
    const ids = (await page).jobs.map(({ id }) => id);
    expect(ids.slice(0, 249)).toEqual(Array.from({ length: 249 }, (_, n) => `a${n}`));
    expect(ids).not.toContain('secret');
  });

  it('counts what there is, and leaves nothing astray, whatever was asked in whatever order', async () => {
    const runtime = createRuntime();
    const oracle = await memoryAdapter().open('memory:', { namespace: 'test', runtime, deadlineMs: 1_000 });
    await checkQueueModel(oracle.queue, backend.queue, 60);
    const counted = rows(COUNTED);
    expect(counted.length).toBeGreaterThan(50);
    for (const row of counted) {
      const states = ['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled'];
      expect(states.map((state) => row[state])).toEqual(states.map((state) => row[`${state}_rows`]));
      expect(states.reduce((sum, state) => sum + Number(row[state]), 0)).toBe(row.jobs);
    }
    expect(rows(STRAYS)).toEqual([{ places: 0, holes: 0, ends: 0, batched: 0, unbatched: 0, unfinished: 0 }]);
  }, 60_000);

  it('keeps a body readable, and one with a NUL or a megabyte as it is', async () => {
    const bodies = ['{"name":"plain"}', 'a\0b\0', `${'é'.repeat(500_000)}\u{1F600}`];
    await push(...bodies.map((body, n) => ({ id: String(n), body })));
    expect(rows(`SELECT body FROM job WHERE id = '0'`)).toEqual([{ body: bodies[0] }]);
    const { jobs } = await exchange({ claim: 10, nonce: 'once' });
    expect(jobs.map(({ body }) => body)).toEqual(bodies);
    expect((await exchange({ claim: 10, nonce: 'once' })).jobs).toEqual(jobs);
    const { jobs: records } = await backend.queue.inspect({ of: 'jobs', queue: 'work', ids: ['0', '1', '2'] });
    expect(records.map(({ body }) => body)).toEqual(bodies);
  });

  it('nothing is left of jobs that are no longer kept', async () => {
    await push({ id: '1', dedupeKey: 'a' }, { id: '2', priority: 3 }, { id: '3', dedupeKey: 'b' }, { id: '4' });
    await push({ id: '5', delayMs: 3_600_000 }, { id: '6', priority: -1 });
    for (const id of ['4', '5', '6']) await backend.queue.amend('work', { do: 'cancel', id });
    await exchange({ claim: 3 });
    await backend.queue.amend('work', { do: 'cancel', id: '1' });
    await exchange({
      settled: [
        { id: '1', outcome: 'completed', result: '1' },
        { id: '2', outcome: 'failed', error: '2' },
        { id: '3', outcome: 'cancelled', error: '3' },
      ],
    });
    await backend.queue.sweep('work', { maxStalls: 0, error: '""', retention: NOTHING, idleMs: 600_000 });
    for (const table of ['job', 'job_line', 'job_end', 'job_batch'])
      expect(rows(`SELECT * FROM ${table}`), table).toEqual([]);
    expect(rows('SELECT held FROM job_session')).toEqual([{ held: '[]' }]);
  });

  it('a session that has ended is forgotten once its last exchange can no longer be repeated', async () => {
    const runtime = createManualRuntime();
    const engine = new Engine({ path: file, synchronous: 'normal' }, runtime, 5_000);
    closing.push(() => engine.close());
    const own = await open(runtime);
    await own.queue.push('work', [{ id: '1', body: '{}', priority: 0, delayMs: 0 }]);
    const sessions = () => rows('SELECT id FROM job_session').length;
    const sweep = () => engine.write(() => sweepSessions(engine, runtime.clock.now(), 500));
    await exchange({ session: 'gone', leaseMs: 1_000 }, own);
    await runtime.advance(700_000);
    expect([await sweep(), sessions()]).toEqual([0, 1]);
    await exchange({ session: 'alive' }, own);
    await own.queue.sweep('work', { maxStalls: 0, error: '""', retention: KEEP, idleMs: 600_000 });
    expect([await sweep(), sessions()]).toEqual([1, 1]);
  });

  it.each([
    ['a claim', null],
    ['a limited claim', { group: { concurrency: 1 } }],
  ])('%s steps over two thousand cancelled jobs at most, and the next goes on behind them', async (_, limits) => {
    if (limits) await backend.queue.amend('work', { do: 'limit', limits });
    for (let n = 0; n < 6; n += 1) await push(...ids(3_000).slice(n * 500, n * 500 + 500));
    await push({ id: 'last' });
    await Promise.all(ids(3_000).map(({ id }) => backend.queue.amend('work', { do: 'cancel', id })));
    expect(await exchange({ claim: 1 })).toMatchObject({ jobs: [], dueInMs: 0 });
    expect(rows('SELECT * FROM job_line')).toHaveLength(1_001);
    expect(await exchange({ claim: 1 })).toMatchObject({ jobs: [{ id: 'last' }], dueInMs: null });
    expect(rows('SELECT * FROM job_line')).toEqual([]);
  });

  it('a push wakes one waiter per job in each process, and none for a job that is gone', async () => {
    const other = await open();
    const stop = new AbortController();
    const woken = { here: 0, there: 0 };
    const waits = Array.from({ length: 5 }, () => [
      backend.queue.wait(['work'], stop.signal).then(() => woken.here++),
      other.queue.wait(['work'], stop.signal).then(() => woken.there++),
    ]).flat();
    await push({ id: '1' });
    await settled();
    expect(woken.here).toBe(1);
    await expect.poll(() => woken.there, { interval: 2 }).toBe(1);
    await exchange({ claim: 5 });
    await push({ id: '2' }, { id: '3' });
    await exchange({ claim: 5 });
    await settled();
    expect(woken.here).toBe(3);
    // The other process looks only once the jobs are claimed, or between.
    await createRuntime().sleep(60);
    expect(woken.there).toBeLessThanOrEqual(3);
    await backend.queue.amend('work', { do: 'pause' });
    const before = woken.here;
    await push({ id: '4' });
    await settled();
    expect(woken.here).toBe(before);
    stop.abort();
    await Promise.all(waits);
    expect(woken).toEqual({ here: 5, there: 5 });
  });

  it('waits end when the backend is closed, and a later one is refused', async () => {
    const own = await open();
    const waiting = own.queue.wait(['work'], new AbortController().signal);
    await settled();
    await own.close();
    await waiting;
    await expect(own.queue.wait(['work'], new AbortController().signal)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('no statement reads through a whole table, or all jobs of a queue', async () => {
    const texts = new Set<string>();
    const sql = vi.spyOn(Engine.prototype, 'sql').mockImplementation(function (this: Engine, text) {
      texts.add(text);
      return original.call(this, text);
    });
    try {
      const runtime = createRuntime();
      const oracle = await memoryAdapter().open('memory:', { namespace: 'test', runtime, deadlineMs: 1_000 });
      await checkQueueModel(oracle.queue, backend.queue, 60);
      // What the sweeper does every two seconds.
      const engine = new Engine({ path: file, synchronous: 'normal' }, runtime, 5_000);
      sweepUnlisted(engine, runtime.clock.now(), 10);
      engine.close();
    } finally {
      sql.mockRestore();
    }
    const paged = [...texts].filter((text) => !text.startsWith(COUNTS_ALL));
    const changing = paged.filter((text) => /\b(job|job_line|job_end|job_batch|job_session|queue)\b/.test(text));
    expect(changing.length).toBeGreaterThan(30);
    for (const text of changing) {
      const steps = rows(`EXPLAIN QUERY PLAN ${text}`).map(({ detail }) => String(detail));
      expect(
        steps.filter((step) =>
          /^SCAN (?!json_each|CONSTANT|\(subquery|queue USING INDEX queue_unlisted|\d+-ROW VALUES)|job_id \(queue=\?\)/.test(
            step,
          ),
        ),
        text,
      ).toEqual([]);
    }
  }, 60_000);
});
