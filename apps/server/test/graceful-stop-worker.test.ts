import { describe, expect, it } from 'vitest';
import { exit, server, worker } from './stop-kit.ts';
import { eventually, redisUrl, storeEnv } from './systems.ts';

interface Job {
  readonly state: string;
  readonly attempts: number;
  readonly result?: { readonly counted: number; readonly attempt: number };
}

async function push(url: string, data: object): Promise<string> {
  const body = JSON.stringify({ name: 'count', data });
  const response = await fetch(`${url}/api/queues/default/jobs`, { method: 'POST', body });
  return ((await response.json()) as { jobId: string }).jobId;
}
const jobOf = async (url: string, id: string): Promise<Job> =>
  (await (await fetch(`${url}/api/jobs/${id}`)).json()) as Job;

describe.skipIf(!redisUrl)('a worker told to stop', () => {
  it('finishes the job it runs, leaves the waiting ones, and exits 0', async () => {
    const env = storeEnv('redis');
    const [at, stopping] = await Promise.all([server(env), worker(env, ['--concurrency', '1'])]);
    const first = await push(at.url, { steps: 10, stepMs: 50 });
    await eventually(
      () => jobOf(at.url, first),
      ({ state }) => state === 'active',
    );
    const second = await push(at.url, { steps: 1, stepMs: 0 });
    const exited = exit(stopping);
    stopping.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(await jobOf(at.url, first)).toMatchObject({ state: 'completed', attempts: 1, result: { counted: 10 } });
    expect(await jobOf(at.url, second)).toMatchObject({ state: 'waiting', attempts: 0 });
    await worker(env);
    const done = await eventually(
      () => jobOf(at.url, second),
      ({ state }) => state === 'completed',
    );
    expect(done.attempts).toBe(1);
  });

  it('of two workers the one that stays goes on with what the other had not begun', async () => {
    const env = storeEnv('redis');
    const [at, stopping, staying] = await Promise.all([
      server(env),
      worker(env, ['--concurrency', '2']),
      worker(env, ['--concurrency', '2']),
    ]);
    const ids = await Promise.all(Array.from({ length: 20 }, () => push(at.url, { steps: 2, stepMs: 20 })));
    await stopping.line(({ msg }) => msg === 'job taken');
    const exited = exit(stopping);
    stopping.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    for (const id of ids) {
      const job = await eventually(
        () => jobOf(at.url, id),
        ({ state }) => state === 'completed',
      );
      expect(job).toMatchObject({ attempts: 1, result: { counted: 2, attempt: 1 } });
    }
    const completed = [...stopping.logs, ...staying.logs].filter(({ msg }) => msg === 'job completed');
    expect(completed.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  it('a second signal ends it at once, and its job runs again elsewhere', async () => {
    const env = storeEnv('redis');
    const [at, stopping] = await Promise.all([server(env), worker(env)]);
    const id = await push(at.url, { steps: 1_000, stepMs: 100 });
    await stopping.line(({ msg }) => msg === 'job taken');
    const exited = exit(stopping);
    stopping.child.kill('SIGTERM');
    await stopping.line(({ msg }) => msg === 'worker is draining');
    stopping.child.kill('SIGTERM');
    expect((await exited)[0]).toBe(1);
    await worker(env);
    await eventually(
      () => jobOf(at.url, id),
      ({ state, attempts }) => state === 'active' && attempts === 2,
      15_000,
    );
  });
});

describe('a server that is its own worker told to stop', () => {
  it('finishes the job it runs', async () => {
    const stopping = await server({ BACKEND_URL: 'memory:' });
    await push(stopping.url, { steps: 10, stepMs: 50 });
    await stopping.line(({ msg }) => msg === 'job taken');
    const exited = exit(stopping);
    stopping.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(stopping.logs.some(({ msg }) => msg === 'job completed')).toBe(true);
  });
});
