import { createPortolan, defineCollection } from '@portolan/core';
import { type DemoSite, startDemoSite } from '@portolan/demo';
import { openPlatform, readConfig } from '@portolan/platform';
import { type PrivateRedis, startPrivateRedis } from '@portolan/testkit/redis-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import {
  call,
  completed,
  describeWithRedis,
  type Fleet,
  found,
  type Instance,
  load,
  logged,
  type Report,
  runsOf,
  startFleet,
} from './faults.ts';
import type { TestProcess } from './processes.ts';

describeWithRedis('one server and three workers', () => {
  let redis: PrivateRedis;
  let site: DemoSite;
  let fleet: Fleet;

  beforeAll(async () => {
    [redis, site] = await Promise.all([startPrivateRedis(), startDemoSite()]);
    fleet = await startFleet(redis, 3, { FETCH_ALLOW: `127.0.0.1:${site.port}` });
  });
  afterAll(async () => {
    await fleet?.kill();
    await site?.close();
    await redis?.close();
  });

  async function send(name: string, args: unknown = {}, options: object = {}): Promise<Report> {
    const { status, body } = await call<Report>(fleet.server.url, '/api/commands', 'POST', { name, args, ...options });
    expect(status).toBe(200);
    return body;
  }
  const instances = async (): Promise<Instance[]> =>
    (await call<{ instances: Instance[] }>(fleet.server.url, '/api/instances')).body.instances;
  const pids = (processes: readonly { pid: number }[]): number[] => processes.map(({ pid }) => pid).sort();

  /** Logs come in order but not at once: when each process has logged this further command, it has logged what it ran before. */
  async function allLogged(): Promise<void> {
    const { id, replies } = await send('ping');
    const answered = fleet.all.filter(({ pid }) => replies.some((reply) => reply.pid === pid));
    expect(answered).toHaveLength(replies.length);
    await found('the last lines', () => answered.every((one) => runsOf(one, id) > 0) || undefined);
  }

  it('are four live instances', async () => {
    const found = await instances();
    expect(pids(found)).toEqual(pids(fleet.all));
    expect(found.map(({ role }) => role).sort()).toEqual(['server', 'worker', 'worker', 'worker']);
  });

  it('each run every command exactly once, and requests are served meanwhile', async () => {
    const clients = load(4, async (client, round) => {
      const key = `/api/keys/hammer-${client}`;
      const put = await call(fleet.server.url, key, 'PUT', { value: round });
      const got = await call<{ value: number }>(fleet.server.url, key);
      if (put.status !== 200 || got.status !== 200 || got.body.value !== round)
        throw new Error(JSON.stringify([put, got]));
      return got;
    });
    const commands: [string, object][] = [
      ['ping', {}],
      ['settings.set', { name: 'cacheTtlMs', value: 20_000 }],
      ['data.reload', {}],
      ['task.run', { task: 'memory' }],
      ['log.level', { level: 'debug' }],
      ['log.level', { level: 'info' }],
    ];
    const reports: Report[] = [];
    for (let round = 0; round < 5; round++) {
      for (const [name, args] of commands) reports.push(await send(name, args));
    }
    // Many at a time, too.
    reports.push(...(await Promise.all(Array.from({ length: 20 }, () => send('ping')))));
    await clients.stop();
    await allLogged();

    for (const report of reports) {
      expect(report).toMatchObject({ expected: 4, missing: [], lost: [] });
      expect(report.replies.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok']);
      expect(pids(report.replies)).toEqual(pids(fleet.all));
      for (const process of fleet.all) expect([report.id, runsOf(process, report.id)]).toEqual([report.id, 1]);
    }
    for (const process of fleet.all) {
      await found('five runs of the task', () => logged(process, 'task ended').length >= 5 || undefined);
      expect(logged(process, 'task ended')).toHaveLength(5);
    }
    expect(clients.errors).toEqual([]);
    expect(clients.answers.length).toBeGreaterThan(20);
  });

  it('reach one role only when asked', async () => {
    const report = await send('ping', {}, { role: 'worker' });
    expect(report).toMatchObject({ expected: 3, missing: [], lost: [] });
    expect(pids(report.replies)).toEqual(pids(fleet.workers));
    await allLogged();
    for (const process of fleet.all) expect(runsOf(process, report.id)).toBe(process === fleet.server ? 0 : 1);
  });

  it('tell what was wrong with a command', async () => {
    const report = await send('settings.set', { name: 'nonsense', value: 1 });
    expect(report.replies).toHaveLength(4);
    for (const reply of report.replies) {
      expect(reply).toMatchObject({ outcome: 'failed', error: { code: 'INVALID' } });
    }
  });

  it('behave as settings.set says, in every process', async () => {
    const get = async (page: string): Promise<string> => {
      const query = new URLSearchParams({ url: `${site.url}/pages/number/${page}` });
      return (await call<{ cache: string }>(fleet.server.url, `/api/pages?${query}`)).body.cache;
    };
    await send('settings.set', { name: 'cacheTtlMs', value: 600_000 });
    expect([await get('1'), await get('1')]).toEqual(['MISS', 'HIT']);

    const { replies } = await send('settings.set', { name: 'cacheTtlMs', value: 1 });
    expect(replies.map(({ result }) => result)).toEqual(
      Array(4).fill({ name: 'cacheTtlMs', value: 1, previous: 600_000 }),
    );
    expect(await get('2')).toBe('MISS');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await get('2')).toBe('MISS');

    // Pages that the workers fetched: until each worker has fetched some.
    const pages: string[] = [];
    const jobs: string[] = [];
    while (fleet.workers.some((worker) => logged(worker, 'job completed').length === 0)) {
      const page = `${100 + pages.length}?ms=50`;
      const url = `${site.url}/pages/number/${page}`;
      pages.push(page);
      jobs.push((await call<{ jobId: string }>(fleet.server.url, '/api/pages', 'POST', { url })).body.jobId);
    }
    for (const job of jobs) await completed(fleet.server.url, job);
    expect(new Set(await Promise.all(pages.map(get)))).toEqual(new Set(['MISS']));
  });

  it('read the settings document again at data.reload', async () => {
    const platform = await openPlatform(readConfig({ BACKEND_URL: redis.url, LOG_LEVEL: 'silent' }), 'test');
    const portolan = createPortolan(platform.backend, { runtime: platform.runtime });
    try {
      const settings = portolan.collection(
        defineCollection({ name: 'settings', schema: z.object({ cacheTtlMs: z.number() }) }),
      );
      const { revision } = await settings.put('current', { cacheTtlMs: 12_345 });
      const { replies } = await send('data.reload');
      expect(replies.map(({ result }) => result)).toEqual(
        Array(4).fill({ collection: 'settings', id: 'current', revision }),
      );
    } finally {
      await portolan.close();
    }
    const { replies } = await send('settings.set', { name: 'cacheTtlMs', value: 30_000 });
    expect(replies.map(({ result }) => result)).toEqual(
      Array(4).fill({ name: 'cacheTtlMs', value: 30_000, previous: 12_345 }),
    );
  });

  it('tell of a frozen worker, which does not run what it slept through', async () => {
    const [frozen] = fleet.workers as [TestProcess];
    const { instance } = (await instances()).find(({ pid }) => pid === frozen.pid) as Instance;
    frozen.child.kill('SIGSTOP');
    const report = await send('ping', {}, { timeoutMs: 1_000 });
    expect(report.expected).toBe(4);
    expect(report.replies).toHaveLength(3);
    expect([...report.missing, ...report.lost]).toEqual([instance]);

    frozen.child.kill('SIGCONT');
    const again = await found('four answers', async () => {
      const next = await send('ping');
      return next.replies.length === 4 ? next : undefined;
    });
    await allLogged();
    expect(runsOf(frozen, again.id)).toBe(1);
    expect(runsOf(frozen, report.id)).toBe(0);
  });

  it('tell of a killed worker, and expect it no longer', async () => {
    const killed = fleet.workers[1] as TestProcess;
    const { instance } = (await instances()).find(({ pid }) => pid === killed.pid) as Instance;
    await killed.end('SIGKILL');
    const report = await send('ping', {}, { timeoutMs: 20_000 });
    expect(report).toMatchObject({ expected: 4, missing: [], lost: [instance] });
    expect(pids(report.replies)).toEqual(pids(fleet.all.filter((one) => one !== killed)));
    expect(await send('ping')).toMatchObject({ expected: 3, missing: [], lost: [] });
    expect((await instances()).map(({ pid }) => pid)).not.toContain(killed.pid);
  });
});
