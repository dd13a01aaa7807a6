import { describe, expect, it } from 'vitest';
import { type Answer, call, found } from './faults.ts';
import type { TestProcess } from './processes.ts';
import { exit, gate, server, worker } from './stop-kit.ts';
import { type BackendName, isMissing, storeEnv } from './systems.ts';

interface Listed {
  readonly instance: string;
  readonly pid: number;
  readonly state: string;
  readonly concurrency: number;
  readonly queues: readonly string[];
  readonly active: number;
  readonly jobs: readonly {
    readonly id: string;
    readonly name: string;
    readonly queue: string;
    readonly runningMs: number;
  }[];
}
interface Workers {
  readonly workers: readonly Listed[];
  readonly missing: readonly string[];
}
interface Report {
  readonly replies: readonly {
    readonly pid: number;
    readonly outcome: string;
    readonly result?: { readonly affected: boolean; readonly state: string | null };
    readonly error?: { readonly code: string };
  }[];
}

const PATIENCE = { timeout: 60_000 };
const list = async (url: string) => (await call<Workers>(url, '/api/workers')).body;
const listed = ({ workers }: Workers, { pid }: TestProcess): Listed | undefined =>
  workers.find((one) => one.pid === pid);
const send = async (url: string, name: string, args: object = {}) =>
  (await call<Report>(url, '/api/commands', 'POST', { name, args })).body;
const fetchPage = async (url: string, page: string): Promise<string> =>
  (await call<{ jobId: string }>(url, '/api/pages', 'POST', { url: `${gate.url}/${page}` })).body.jobId;
const push = async (url: string, queue: string): Promise<string> =>
  (await call<{ jobId: string }>(url, `/api/queues/${queue}/jobs`, 'POST', { name: 'echo', data: 1 })).body.jobId;
const stateOf = async (url: string, id: string): Promise<string> =>
  (await call<{ state: string }>(url, `/api/jobs/${id}`)).body.state;
const completed = (url: string, id: string) =>
  found(`job ${id} completed`, async () => (await stateOf(url, id)) === 'completed' || undefined);

describe.each<BackendName>(['sqlite', 'redis'])('workers on %s', (backend) => {
  it.skipIf(isMissing(backend))(
    'are listed with what they run, told to be quiet and told to stop',
    PATIENCE,
    async () => {
      const env = storeEnv(backend);
      const [{ url }, one, two] = await Promise.all([
        server(env),
        worker(env, ['--queues', 'pages,default', '--concurrency', '3']),
        worker(env, ['--queues', 'default']),
      ]);
      const held = await fetchPage(url, 'held');
      await found('the fetch', () => gate.arrivals === 1 || undefined);
      const both = await found('two workers', async () => {
        const { workers } = await list(url);
        return workers.length === 2 ? { workers, missing: [] } : undefined;
      });
      expect(listed(both, one)).toMatchObject({
        state: 'running',
        concurrency: 3,
        queues: ['default', 'pages'],
        active: 1,
      });
      expect(listed(both, one)?.jobs).toEqual([
        { id: held, name: expect.any(String), queue: 'pages', runningMs: expect.any(Number) },
      ]);
      expect(listed(both, two)).toMatchObject({
        state: 'running',
        concurrency: 50,
        queues: ['default'],
        active: 0,
        jobs: [],
      });

      // The first turns quiet: what it runs goes on, what waits in its own queue waits, and of the common queue the other takes all.
      const instances = [listed(both, one)?.instance ?? ''];
      const { replies } = await send(url, 'worker.quiet', { instances });
      const reply = ({ pid }: TestProcess, { replies }: Report) => replies.find((reply) => reply.pid === pid);
      expect(reply(one, { replies })).toMatchObject({ outcome: 'ok', result: { affected: true, state: 'quiet' } });
      expect(reply(two, { replies })).toMatchObject({ outcome: 'ok', result: { affected: false, state: 'running' } });
      expect(replies.filter(({ result }) => result?.state === null)).toHaveLength(1);
      expect(listed(await list(url), one)).toMatchObject({ state: 'quiet', active: 1 });
      const left = await fetchPage(url, 'left');
      for (let n = 0; n < 10; n++) await completed(url, await push(url, 'default'));
      expect(one.logs.filter(({ msg }) => msg === 'job taken')).toHaveLength(1);
      expect(await stateOf(url, left)).toBe('waiting');
      gate.open();
      await completed(url, held);
      await send(url, 'worker.resume', { instances });
      await completed(url, left);

      // The second stops: its process ends as by SIGTERM, the first goes on.
      const ended = exit(two);
      const stopped = await send(url, 'worker.stop', { instances: [listed(both, two)?.instance] });
      expect(reply(two, stopped)).toMatchObject({ outcome: 'ok', result: { affected: true, state: 'stopping' } });
      expect(await ended).toEqual([0, null]);
      expect((await list(url)).workers.map(({ pid }) => pid)).toEqual([one.pid]);
      await completed(url, await push(url, 'default'));
    },
  );

  it.skipIf(isMissing(backend))('that end are let finish what they run', PATIENCE, async () => {
    const env = storeEnv(backend);
    const [{ url }, stopping] = await Promise.all([server(env), worker(env)]);
    const held = await fetchPage(url, 'held');
    await found('the fetch', () => gate.arrivals === 1 || undefined);
    const ended = exit(stopping);
    await send(url, 'worker.stop');
    expect(listed(await list(url), stopping)).toMatchObject({ state: 'stopping', active: 1 });
    gate.open();
    expect(await ended).toEqual([0, null]);
    expect(await stateOf(url, held)).toBe('completed');
  });
});

describe('a worker', () => {
  it('that does not answer is missing from the list', PATIENCE, async () => {
    const env = storeEnv('sqlite');
    const [{ url }, frozen] = await Promise.all([server(env), worker(env)]);
    const { instance } = await found('the worker', async () => listed(await list(url), frozen));
    frozen.child.kill('SIGSTOP');
    expect(await list(url)).toEqual({ workers: [], missing: [instance] });
    frozen.child.kill('SIGCONT');
    await found('the worker again', async () => listed(await list(url), frozen));
  });

  it('that is part of a server is quiet when it is told to be, and not stopped alone', async () => {
    const { url } = await server({ BACKEND_URL: 'memory:' });
    await send(url, 'worker.quiet');
    const id = await push(url, 'default');
    expect((await list(url)).workers).toMatchObject([{ state: 'quiet' }]);
    expect((await send(url, 'worker.stop')).replies).toMatchObject([
      { outcome: 'failed', error: { code: 'CONFLICT' } },
    ]);
    expect(await stateOf(url, id)).toBe('waiting');
    await send(url, 'worker.resume');
    await completed(url, id);
  });

  it('tells its health and its numbers where WORKER_PORT says', PATIENCE, async () => {
    const secret = 'reader-secret-1';
    const env = { ...storeEnv('sqlite'), WORKER_PORT: '0' };
    const [{ url }, open, closed] = await Promise.all([
      server(env),
      worker(env),
      worker({ ...env, API_TOKENS: `reader:${secret}:read,writer:writer-secret-2:write` }, ['--queues', 'other']),
    ]);
    const monitorOf = async (one: TestProcess) =>
      String((await one.line(({ msg }) => msg === 'worker is running')).monitor);
    const monitor = await monitorOf(open);
    expect(await call(monitor, '/healthz')).toMatchObject({
      status: 200,
      body: { status: 'alive', worker: 'running' },
    });
    await completed(url, await push(url, 'default'));
    const held = await fetchPage(url, 'held');
    await found('the fetch', () => gate.arrivals === 1 || undefined);
    await call(url, '/api/queues/quarter.9/jobs', 'POST', { name: 'echo', data: 1, delayMs: 3_600_000 });
    const metrics = await (await fetch(`${monitor}/metrics`)).text();
    expect(metrics).toMatch(/^portolan_jobs_total\{name="echo",outcome="completed",role="worker"\} 1$/m);
    expect(metrics).toMatch(/^portolan_jobs_active\{role="worker"\} 1$/m);
    expect(metrics).toMatch(/^portolan_queue_jobs\{queue="pages",state="active",role="worker"\} 1$/m);
    expect(metrics).toMatch(/^portolan_queue_jobs\{queue="quarter\.9",state="delayed",role="worker"\} 1$/m);
    expect(metrics).toMatch(/^portolan_queue_jobs\{queue="default",state="waiting",role="worker"\} 0$/m);
    gate.open();
    await completed(url, held);

    expect((await call(monitor, '/elsewhere')).status).toBe(404);
    expect((await call(monitor, '/metrics', 'POST')).status).toBe(404);
    const foreign = await fetch(`${monitor}/metrics`, { headers: { origin: 'http://evil.example' } });
    expect(foreign.status).toBe(403);
    const guarded = await monitorOf(closed);
    const status = async (headers: Record<string, string>) => (await fetch(`${guarded}/metrics`, { headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ authorization: 'Bearer writer-secret-2' })).toBe(403);
    expect(await status({ authorization: `Bearer ${secret}` })).toBe(200);
    const health: Answer = await call(guarded, '/healthz');
    expect(health.status).toBe(200);
  });
});
