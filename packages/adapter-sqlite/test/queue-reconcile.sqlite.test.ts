import { DatabaseSync } from 'node:sqlite';
import { type Backend, createRuntime, HELD_DUE_AT } from '@portolan/core';
import { drainQueue, fillQueue, jobsOf, queueClient, reconcile } from '@portolan/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { sqliteAdapter } from '../src/index.ts';
import { temporaryFile } from './process-kit.ts';

const runtime = createRuntime();
let backend: Backend;
let raw: DatabaseSync;

beforeEach(async () => {
  const file = temporaryFile();
  backend = await sqliteAdapter().open(`sqlite:${file}`, { namespace: 'test', runtime, deadlineMs: 5_000 });
  raw = new DatabaseSync(file);
  return async () => {
    raw.close();
    await backend.close();
  };
});

const pass = async (options?: Parameters<typeof reconcile>[2]) =>
  (await reconcile(backend.queue, 'work', options)).repaired;
const finished = async () => {
  const { completed, failed, cancelled } = await jobsOf(backend.queue);
  return [...completed, ...failed, ...cancelled].sort();
};
const all = (text: string) =>
  raw
    .prepare(text)
    .all()
    .map((row) => ({ ...row }));
const the = (id: string) => `(SELECT number FROM job WHERE id = '${id}')`;

/** How often each job stands in a state, and what the numbers say that the rows do not. */
function amiss(): unknown[] {
  const places =
    all(`SELECT id, (SELECT count(*) FROM job_line AS line WHERE line.job = number AND line.place = job.place AND hole = 0)
      + (SELECT count(*) FROM job_aside AS aside WHERE aside.job = number) + (due_at IS NOT NULL)
      + (SELECT count(*) FROM job_batch, json_each(jobs) WHERE value = job.number)
      + (SELECT count(*) FROM job_session, json_each(held) WHERE value = job.id) AS n
    FROM job`).filter(({ n }) => n !== 1);
  const strays =
    all(`SELECT 'line' AS of, job FROM job_line WHERE job NOT IN (SELECT number FROM job WHERE job.place = job_line.place)
    UNION ALL SELECT 'aside', job FROM job_aside WHERE job NOT IN (SELECT number FROM job)
    UNION ALL SELECT 'end', job FROM job_end WHERE NOT EXISTS (SELECT 1 FROM job_batch, json_each(jobs) WHERE number = batch AND value = job)
    UNION ALL SELECT 'batch', value FROM job_batch, json_each(jobs) WHERE value NOT IN (SELECT job FROM job_end)
    UNION ALL SELECT 'kin', job FROM job_kin WHERE job NOT IN (SELECT number FROM job)
    UNION ALL SELECT 'part', job FROM job_part WHERE job NOT IN (SELECT number FROM job)
    UNION ALL SELECT 'log', job FROM job_log WHERE job NOT IN (SELECT number FROM job)
    UNION ALL SELECT 'ended', job FROM job_end JOIN job ON number = job WHERE due_at IS NOT NULL OR dedupe_key IS NOT NULL OR asked = 1`);
  const sums =
    all(`SELECT waiting + delayed + active + completed + failed + cancelled - (SELECT count(*) FROM job WHERE queue = queue.number) AS jobs,
      aside - (SELECT count(*) FROM job_aside) AS aside, kin - (SELECT count(*) FROM job_kin) AS kin,
      owed - (SELECT count(*) FROM job_owed) AS owed, schedules - (SELECT count(*) FROM queue_schedule) AS schedules,
      grouped - (SELECT coalesce(sum(active), 0) FROM job_group) AS grouped
    FROM queue`).filter((row) => Object.values(row).some((n) => n !== 0));
  const groups = all(`SELECT name FROM job_group
    WHERE active <> (SELECT count(*) FROM job JOIN job_session JOIN json_each(held) ON value = job.id WHERE in_group = name)
      OR rank IS NOT (SELECT min(rank) FROM job_aside WHERE team = number)`);
  return [...places, ...strays, ...sums, ...groups];
}

/** What is done to the file, what that is told as, and the job (if one) that must run although it stood nowhere. */
const damages: readonly (readonly [string, string, object, string?])[] = [
  ['a place in the line', `DELETE FROM job_line WHERE job = ${the('job-3')}`, { jobs: 1, sums: 1 }, 'job-3'],
  ['the whole line', 'DELETE FROM job_line', { jobs: 12, sums: 1 }, 'low'],
  ['a hole', `DELETE FROM job_line WHERE job = ${the('hole')}`, {}],
  ['that a place is a hole', 'UPDATE job_line SET hole = 0', { doubles: 3 }],
  ['a place aside', `DELETE FROM job_aside WHERE job = ${the('g-2')}`, { jobs: 1, sums: 3 }, 'g-2'],
  ['all aside', 'DELETE FROM job_aside', { jobs: 5, sums: 4 }, 'h-2'],
  ['the groups', 'DELETE FROM job_group', { jobs: 5, strays: 5, sums: 4 }, 'g-2'],
  ['the sessions', 'DELETE FROM job_session', { jobs: 7, strays: 1, sums: 2 }, 'runs'],
  ['the leases of a session', `UPDATE job_session SET held = '[]' WHERE id = 'b'`, { jobs: 5, sums: 2 }, 'runs'],
  ['when a job is due', `UPDATE job SET due_at = NULL WHERE id = 'later'`, { jobs: 1, sums: 1 }, 'later'],
  ['that a job is held', `UPDATE job SET due_at = NULL WHERE id = 'parent'`, { jobs: 1, sums: 1 }, 'parent'],
  ['what a held job awaits', `DELETE FROM job_kin WHERE job = ${the('parent')}`, { jobs: 1, sums: 1 }, 'parent'],
  ['the end of a job', `DELETE FROM job_end WHERE job = ${the('done')}`, { jobs: 1 }],
  ['the list of a finished job', `DELETE FROM job_batch WHERE state = 0`, { jobs: 2, sums: 1 }],
  ['the lists of finished jobs', 'DELETE FROM job_batch', { jobs: 6, sums: 3 }],
  ['both of what finished', 'DELETE FROM job_batch; DELETE FROM job_end', { jobs: 6, strays: 3, sums: 3 }, 'done'],
  ['a body that waits', `DELETE FROM job WHERE id = 'job-2'`, { strays: 1, sums: 1 }],
  ['a body that runs', `DELETE FROM job WHERE id = 'logs'`, { strays: 2, sums: 1 }],
  ['a body that is held', `DELETE FROM job WHERE id = 'parent'`, { strays: 2, sums: 2 }],
  ['a body aside', `DELETE FROM job WHERE id = 'g-2'`, { strays: 1, sums: 3 }],
  ['a body that ended', `DELETE FROM job WHERE id IN ('done', 'child')`, { strays: 5, sums: 2 }],
  ['every body', 'DELETE FROM job', { strays: expect.any(Number), sums: expect.any(Number) }],
  [
    'the numbers',
    'UPDATE queue SET waiting = 0, active = 9, aside = 0, kin = 0, owed = 7, grouped = 0, schedules = 0',
    { sums: 7 },
  ],
  ['the last places', 'UPDATE queue SET front = 0, back = 0', { sums: 1 }],
  ['the numbers of a group', `UPDATE job_group SET active = 5, rank = 7 WHERE name = 'g'`, { sums: 1 }],
  [
    'that a group may have room',
    `UPDATE job_group SET active = 0; DELETE FROM job_session WHERE id = 'b'`,
    { jobs: 5, sums: 2 },
    'g-2',
  ],
  ['the queue, off the list', 'UPDATE queue SET listed_at = NULL', { listings: 1 }],
];

const excesses: readonly (readonly [string, string, object])[] = [
  ['a finished job that is delayed', `UPDATE job SET due_at = 5 WHERE id = 'done'`, { doubles: 1 }],
  ['a running job that is delayed', `UPDATE job SET due_at = 5 WHERE id = 'runs'`, { doubles: 1 }],
  [
    'a running job that waits',
    `UPDATE job SET place = 900 WHERE id = 'runs'; INSERT INTO job_line SELECT queue, 0, 900, number, 0 FROM job WHERE id = 'runs'`,
    { doubles: 1, sums: 1 },
  ],
  ['a place of nobody', 'INSERT INTO job_line SELECT number, 0, 901, 999, 0 FROM queue', { strays: 1, sums: 1 }],
  [
    'a finished job that runs',
    `UPDATE job_session SET held = json_insert(held, '$[#]', 'done', '$[#]', ${the('done')}, '$[#]', 5) WHERE id = 'a'`,
    { doubles: 1 },
  ],
  [
    'a lease of nobody',
    `UPDATE job_session SET held = json_insert(held, '$[#]', 'nobody', '$[#]', 999, '$[#]', 5) WHERE id = 'a'`,
    { strays: 1 },
  ],
  [
    'a job of two sessions',
    `UPDATE job_session SET held = json_insert(held, '$[#]', 'runs', '$[#]', ${the('runs')}, '$[#]', 5) WHERE id = 'a'`,
    { doubles: 1 },
  ],
  ['a request to cancel what waits', `UPDATE job SET asked = 1 WHERE id = 'job-1'`, { strays: 1 }],
  ['a key of a job that ended', `UPDATE job SET dedupe_key = 'z' WHERE id = 'done'`, { strays: 1 }],
  [
    'a job in two lists of finished ones',
    `UPDATE job_batch SET jobs = json_insert(jobs, '$[#]', ${the('done')}) WHERE state = 1`,
    { doubles: 1 },
  ],
  [
    'what is kept of nobody',
    `INSERT INTO job_log VALUES (999, 1, 1, 'x'); INSERT INTO job_kin VALUES (999, 'p', 1); INSERT INTO job_end (job, batch) VALUES (999, 1)`,
    { strays: 3 },
  ],
  ['a group without jobs', `INSERT INTO job_group (queue, name) SELECT number, 'nobody' FROM queue`, { sums: 1 }],
];

describe('a reconcile in SQLite', () => {
  it('finds nothing amiss in a queue that has everything', async () => {
    await fillQueue(backend.queue);
    expect(amiss()).toEqual([]);
    expect(await pass()).toEqual({});
  });

  it.each(damages.map(([name, damage, told, job]) => ({ name, damage, told, job })))(
    'makes good the loss of $name',
    async ({ damage, told, job }) => {
      await fillQueue(backend.queue);
      raw.exec(damage);
      const before = all('SELECT * FROM job');
      const dry = await pass({ dryRun: true });
      expect(all('SELECT * FROM job')).toEqual(before);
      expect(await pass()).toEqual(told);
      expect(Object.keys(dry).length > 0).toBe(Object.keys(told).length > 0);
      expect(amiss()).toEqual([]);
      expect(await pass()).toEqual({});
      const bodies = all('SELECT id FROM job ORDER BY id').map(({ id }) => id);
      const ended = new Set(await finished());
      const runs = await drainQueue(backend.queue);
      expect(await finished()).toEqual(bodies);
      expect([...runs].filter(([id, n]) => n > 1 || ended.has(id))).toEqual([]);
      if (job !== undefined) expect(runs.get(job)).toBe(1);
      expect(amiss()).toEqual([]);
    },
  );

  it.each(excesses.map(([name, damage, told]) => ({ name, damage, told })))(
    'takes away $name',
    async ({ damage, told }) => {
      await fillQueue(backend.queue);
      const before = await jobsOf(backend.queue);
      raw.exec(damage);
      expect(await pass()).toMatchObject(told);
      expect(amiss()).toEqual([]);
      expect(await pass()).toEqual({});
      expect(await jobsOf(backend.queue)).toEqual(before);
    },
  );

  it('holds a job again that still awaits parts', async () => {
    const client = queueClient(backend.queue, 'a');
    await client.push({ id: 'parent', awaits: 1 });
    raw.exec('UPDATE job SET due_at = NULL');
    expect(await pass()).toEqual({ jobs: 1, sums: 1 });
    expect(all('SELECT due_at FROM job')).toEqual([{ due_at: HELD_DUE_AT }]);
  });

  it('goes through more jobs than a page holds', async () => {
    const client = queueClient(backend.queue, 'a');
    const ids = Array.from({ length: 2_300 }, (_, n) => `job-${n}`);
    for (let from = 0; from < ids.length; from += 500) {
      await client.push(...ids.slice(from, from + 500).map((id) => ({ id })));
    }
    await client.settle(...(await client.claim(500)).map((id) => ({ id, outcome: 'completed', result: '1' }) as const));
    raw.exec('DELETE FROM job_line WHERE place % 400 = 7');
    const found = await reconcile(backend.queue, 'work');
    expect(found.repaired).toEqual({ jobs: 4, sums: 1 });
    expect(found.looked).toBeGreaterThan(2_300);
    expect(amiss()).toEqual([]);
  });

  it('tells queues that nobody listed, and begins no pass soon after another', async () => {
    await queueClient(backend.queue, 'a').push({ id: 'one' });
    raw.exec('UPDATE queue SET listed_at = NULL');
    const names = async (unlisted?: true) =>
      (await backend.queue.inspect({ of: 'names', ...(unlisted && { unlisted }) })).names;
    expect(await names()).toEqual([]);
    expect(await names(true)).toEqual(['work']);
    const passes = await Promise.all([1, 2, 3].map(() => reconcile(backend.queue, 'work', { everyMs: 60_000 })));
    expect(passes.filter(({ looked }) => looked > 0)).toHaveLength(1);
    expect(await names()).toEqual(['work']);
    expect((await reconcile(backend.queue, 'work')).looked).toBeGreaterThan(0);
  });
});
