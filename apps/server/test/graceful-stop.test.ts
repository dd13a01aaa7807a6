import { Agent, get } from 'node:http';
import { createClient } from '@portolan/api/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GateSite, startGateSite } from './gate-site.ts';
import { startServer, startWorker, type TestProcess, type TestServer } from './processes.ts';
import { readEvents } from './surface/event-reader.ts';
import { BACKENDS, eventually, isMissing, redisUrl, storeEnv } from './systems.ts';

interface Job {
  readonly state: string;
  readonly attempts: number;
  readonly result?: { readonly counted: number; readonly attempt: number };
}

const running = new Set<TestProcess>();
let gate: GateSite;
beforeEach(async () => {
  gate = await startGateSite('slow page');
});
afterEach(async () => {
  await Promise.all([...running].map((one) => one.end('SIGKILL')));
  running.clear();
  await gate.close();
});

async function server(env: Record<string, string>): Promise<TestServer> {
  const started = await startServer({ FETCH_ALLOW: `127.0.0.1:${gate.port}`, ...env });
  running.add(started);
  return started;
}
async function worker(env: Record<string, string>, args: readonly string[] = []): Promise<TestProcess> {
  const started = await startWorker({ FETCH_ALLOW: `127.0.0.1:${gate.port}`, ...env }, args);
  running.add(started);
  return started;
}

/** The exit code, and how it ended where it did not exit by itself. */
const exit = ({ child }: TestProcess): Promise<readonly [number | null, NodeJS.Signals | null]> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve([child.exitCode, child.signalCode])
    : new Promise((resolve) => child.once('exit', (code, signal) => resolve([code, signal])));

const page = (url: string) => fetch(`${url}/api/pages?url=${encodeURIComponent(`${gate.url}/slow`)}`);
const refused = (url: string) =>
  eventually(
    () =>
      fetch(`${url}/healthz`).then(
        () => false,
        () => true,
      ),
    (gone) => gone,
  );

describe.each(BACKENDS)('a server on %s told to stop', (backend) => {
  describe.skipIf(isMissing(backend))('', () => {
    it.each(['SIGTERM', 'SIGINT'] as const)(
      'by %s finishes the request in flight, takes no new one, and exits 0',
      async (signal) => {
        const stopping = await server(storeEnv(backend));
        const inFlight = page(stopping.url);
        const batched = createClient({ url: stopping.url }).pages.get.query({ url: `${gate.url}/batched` });
        await eventually(
          () => gate.arrivals,
          (count) => count === 2,
        );
        const exited = exit(stopping);
        stopping.child.kill(signal);
        await refused(stopping.url);
        expect(stopping.child.exitCode).toBe(null);
        gate.open();
        const response = await inFlight;
        expect(response.status).toBe(200);
        expect(((await response.json()) as { body: string }).body).toBe('slow page');
        expect((await batched).body).toBe('slow page');
        expect(await exited).toEqual([0, null]);
      },
    );

    it('sends an answer that has begun to its end: a slow call of a batch whose fast one is answered', async () => {
      const stopping = await server(storeEnv(backend));
      const client = createClient({ url: stopping.url });
      const slow = client.pages.get.query({ url: `${gate.url}/batched` });
      await client.counters.get.query({ name: 'fast' });
      await eventually(
        () => gate.arrivals,
        (count) => count === 1,
      );
      const exited = exit(stopping);
      stopping.child.kill('SIGTERM');
      await refused(stopping.url);
      // That it does not end can only be waited for, here for a tenth of its grace.
      await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 1_000))]);
      expect(stopping.child.exitCode).toBe(null);
      gate.open();
      expect((await slow).body).toBe('slow page');
      expect(await exited).toEqual([0, null]);
    });

    it('a connection that is kept open does not hold it up: what is in flight there is its last request', async () => {
      const other = await startGateSite('first page');
      const stopping = await server({
        ...storeEnv(backend),
        FETCH_ALLOW: `127.0.0.1:${gate.port},127.0.0.1:${other.port}`,
      });
      const slow = page(stopping.url);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const kept = (path: string) =>
        new Promise<string>((resolve) => {
          const sent = get(stopping.url + path, { agent }, (response) => {
            response.resume().once('end', () => resolve(`${response.statusCode} ${response.headers.connection}`));
          });
          sent.once('error', () => resolve('refused'));
        });
      expect(await kept('/healthz')).toBe('200 keep-alive');
      const last = kept(`/api/pages?url=${encodeURIComponent(`${other.url}/first`)}`);
      await eventually(
        () => gate.arrivals + other.arrivals,
        (count) => count === 2,
      );
      const exited = exit(stopping);
      stopping.child.kill('SIGTERM');
      await stopping.line(({ msg }) => msg === 'server is closing');
      await refused(stopping.url);
      other.open();
      expect(await last).toBe('200 close');
      expect(await kept('/healthz')).toBe('refused');
      gate.open();
      expect((await slow).status).toBe(200);
      expect(await exited).toEqual([0, null]);
      agent.destroy();
      await other.close();
    });

    it('ends the streams of its subscribers, idle connections too', async () => {
      const stopping = await server(storeEnv(backend));
      const streams = await Promise.all(
        ['a', 'b'].map((topic) => readEvents(`${stopping.url}/api/topics/${topic}/stream`)),
      );
      const client = createClient({ url: stopping.url });
      let started = false;
      const subscription = client.topics.stream.subscribe({ topic: 'a' }, { onStarted: () => (started = true) });
      await eventually(
        () => started,
        (yes) => yes,
      );
      const exited = exit(stopping);
      stopping.child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
      for (const stream of streams) {
        await eventually(
          () => stream.ended(),
          (yes) => yes,
        );
      }
      subscription.unsubscribe();
    });

    it('a second signal ends it at once', async () => {
      const stopping = await server(storeEnv(backend));
      const cut = page(stopping.url).then(
        () => 'answered',
        () => 'cut',
      );
      await eventually(
        () => gate.arrivals,
        (count) => count === 1,
      );
      const exited = exit(stopping);
      stopping.child.kill('SIGTERM');
      await stopping.line(({ msg }) => msg === 'server is closing');
      stopping.child.kill('SIGTERM');
      expect((await exited)[0]).toBe(1);
      expect(await cut).toBe('cut');
    });
  });
});

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
