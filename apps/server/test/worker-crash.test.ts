import { type DemoSite, startDemoSite } from '@portolan/demo';
import { type PrivateRedis, startPrivateRedis } from '@portolan/testkit/redis-server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  call,
  completed,
  describeWithRedis,
  drain,
  type Fleet,
  found,
  jobIds,
  logged,
  repeated,
  startFleet,
} from './faults.ts';
import type { TestProcess } from './processes.ts';

const CONCURRENCY = 20;

interface Counts {
  readonly queues: readonly { readonly queue: string; readonly counts: Readonly<Record<string, number>> }[];
}

/** For a machine that does much else; the lease alone takes 6 s. */
const PATIENCE = { timeout: 150_000 };

describeWithRedis('a worker that vanishes', () => {
  let redis: PrivateRedis;
  let site: DemoSite;
  let fleet: Fleet;

  beforeEach(async () => {
    [redis, site] = await Promise.all([startPrivateRedis(), startDemoSite()]);
    fleet = await startFleet(redis, 3, {
      FETCH_ALLOW: `127.0.0.1:${site.port}`,
      WORKER_CONCURRENCY: String(CONCURRENCY),
    });
  });
  afterEach(async () => {
    await fleet?.kill();
    await site?.close();
    await redis?.close();
  });

  /** Pushes a job for each page, a hundred at a time; job ids by page number. */
  async function fetchPages(count: number): Promise<Map<string, number>> {
    const push = async (number: number): Promise<[string, number]> => {
      const url = `${site.url}/pages/number/${number}?ms=150`;
      const { status, body } = await call<{ jobId: string }>(fleet.server.url, '/api/pages', 'POST', { url });
      expect(status).toBe(202);
      return [body.jobId, number];
    };
    const pushed: [string, number][] = [];
    for (let first = 1; first <= count; first += 100) {
      const numbers = Array.from({ length: Math.min(100, count - first + 1) }, (_, at) => first + at);
      pushed.push(...(await Promise.all(numbers.map(push))));
    }
    return new Map(pushed);
  }

  async function counts(of = 'pages'): Promise<Readonly<Record<string, number>>> {
    const { body } = await call<Counts>(fleet.server.url, '/api/queues');
    return body.queues.find(({ queue }) => queue === of)?.counts ?? {};
  }

  const allCompleted = (count: number) =>
    found(`${count} completed jobs`, async () => ((await counts()).completed === count ? true : undefined));

  const requestsOf = (page: number | undefined): number => site.requests[`/pages/number/${page}`] ?? 0;

  it('by kill -9 amid 1,000 jobs loses none, and none that had finished runs again', PATIENCE, async () => {
    const [victim, ...others] = fleet.workers as [TestProcess, TestProcess, TestProcess];
    const pushing = fetchPages(1_000);
    await found('100 jobs of the victim', () => jobIds(victim, 'job completed').length >= 100 || undefined);
    await victim.end('SIGKILL');
    const pages = await pushing;
    await allCompleted(1_000);

    expect(await counts()).toEqual({ waiting: 0, delayed: 0, active: 0, completed: 1_000, failed: 0, cancelled: 0 });
    await drain(others);
    const finishedByVictim = new Set(jobIds(victim, 'job completed'));
    const takenByVictim = new Set(jobIds(victim, 'job taken'));
    const takenByOthers = others.flatMap((worker) => jobIds(worker, 'job taken'));
    const finishedByOthers = others.flatMap((worker) => jobIds(worker, 'job completed'));

    // Every job was done; those that the victim did not finish by the others, each once.
    expect(repeated(takenByOthers)).toEqual([]);
    expect(finishedByOthers.toSorted()).toEqual(takenByOthers.toSorted());
    expect(takenByOthers.filter((id) => finishedByVictim.has(id))).toEqual([]);
    for (const id of pages.keys()) expect(takenByVictim.has(id) || takenByOthers.includes(id), id).toBe(true);

    // Run again was what the victim held, nothing else.
    const again = others.flatMap((worker) => logged(worker, 'job taken')).filter((line) => line.attempt !== 1);
    const recovered = others.flatMap((worker) => jobIds(worker, 'job recovered'));
    expect(again.map((line) => line.id).sort()).toEqual(recovered.sort());
    expect(recovered.length).toBeGreaterThan(0);
    // At most what ran and what was finished but not yet told to the store.
    expect(recovered.length).toBeLessThanOrEqual(2 * CONCURRENCY);
    for (const [id, page] of pages) {
      if (recovered.includes(id)) expect([1, 2]).toContain(requestsOf(page));
      else expect([id, requestsOf(page)]).toEqual([id, 1]);
    }
  });

  it(
    'by kill -9 amid flows leaves no parent waiting, nor one with less than its children answered',
    PATIENCE,
    async () => {
      const [victim] = fleet.workers as [TestProcess, TestProcess, TestProcess];
      const count = { name: 'count', data: { steps: 4, stepMs: 25 } };
      const children = {
        a: count,
        b: count,
        below: { name: 'gather', data: null, queue: 'middle', children: { c: count } },
      };
      const flow = { name: 'gather', data: null, queue: 'parents', children };
      const pushing = Array.from({ length: 100 }, () =>
        call<{ jobId: string }>(fleet.server.url, '/api/flows', 'POST', flow),
      );
      await found('30 jobs of the victim', () => jobIds(victim, 'job completed').length >= 30 || undefined);
      await victim.end('SIGKILL');
      const pushed = await Promise.all(pushing);
      await found('100 parents', async () => (await counts('parents')).completed === 100 || undefined);
      expect(await counts('parents')).toMatchObject({ delayed: 0, waiting: 0, active: 0, failed: 0, cancelled: 0 });
      expect(await counts('middle')).toMatchObject({ completed: 100, delayed: 0, failed: 0 });
      const counted = { counted: 4, attempt: expect.any(Number) };
      for (const { body } of pushed) {
        const { result } = await completed(fleet.server.url, body.jobId);
        expect(result).toEqual({ a: counted, b: counted, below: { c: counted } });
      }
    },
  );

  it('for longer than its lease and comes back is told that its jobs are lost, and goes on', PATIENCE, async () => {
    const [frozen, ...others] = fleet.workers as [TestProcess, TestProcess, TestProcess];
    const pushing = fetchPages(300);
    await found('20 jobs of the frozen one', () => jobIds(frozen, 'job completed').length >= 20 || undefined);
    frozen.child.kill('SIGSTOP');
    await pushing;
    await allCompleted(300);
    const recovered = others.flatMap((worker) => jobIds(worker, 'job recovered'));
    expect(recovered.length).toBeGreaterThan(0);

    frozen.child.kill('SIGCONT');
    // Each job that was taken from it is refused to it, or was never begun: the answer that gave it was overtaken.
    const begun = jobIds(frozen, 'job taken').filter((id) => recovered.includes(id));
    expect(begun.length).toBeGreaterThan(0);
    await found('its lost jobs', () => begun.every((id) => jobIds(frozen, 'job lost').includes(id)) || undefined);
    expect(await counts()).toMatchObject({ completed: 300, active: 0, waiting: 0, delayed: 0, failed: 0 });

    await found('the thawed worker to take a job', async () => {
      const pushed = await call<{ jobId: string }>(fleet.server.url, '/api/queues/pages/jobs', 'POST', {
        name: 'echo',
        data: 1,
      });
      await completed(fleet.server.url, pushed.body.jobId);
      return jobIds(frozen, 'job completed').find((id) => id === pushed.body.jobId);
    });
    await drain(fleet.workers);
    const lost = new Set(jobIds(frozen, 'job lost'));
    expect(jobIds(frozen, 'job completed').filter((id) => lost.has(id))).toEqual([]);
    expect(repeated(fleet.workers.flatMap((worker) => jobIds(worker, 'job completed')))).toEqual([]);
  });
});
