import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type PrivateRedis, startPrivateRedis } from '@portolan/testkit/redis-server';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { call, completed, describeWithRedis, found } from './faults.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What dev started: a process that says who it is, with the process id it says. */
interface Dev {
  readonly started: ChildProcess;
  readonly lines: readonly string[];
  readonly url: string;
  readonly site: string;
  readonly pids: readonly number[];
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describeWithRedis('dev', () => {
  let redis: PrivateRedis;
  let left: number[] = [];
  beforeAll(async () => {
    redis = await startPrivateRedis();
  });
  afterEach(() => {
    for (const pid of left.filter(isAlive)) process.kill(pid, 'SIGKILL');
    left = [];
  });
  afterAll(async () => redis?.close());

  async function startDev(command: string, args: readonly string[]): Promise<Dev> {
    const started = spawn(command, args, {
      cwd: root,
      env: { PATH: process.env.PATH, BACKEND_URL: redis.url, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    left.push(started.pid ?? 0);
    const lines: string[] = [];
    createInterface({ input: started.stdout as NonNullable<typeof started.stdout> }).on('line', (line) =>
      lines.push(line),
    );
    const find = (pattern: RegExp) =>
      found(String(pattern), () => lines.map((line) => pattern.exec(line)).find((match) => match !== null));
    const [server, worker, demo] = await Promise.all([
      find(/"pid":(\d+),.*"url":"([^"]+)".*server is running/),
      find(/"pid":(\d+),.*worker is running/),
      find(/^demo site on (.*)$/),
    ]);
    const pids = [Number(server[1]), Number(worker[1])];
    left.push(...pids);
    return { started, lines, url: String(server[2]), site: String(demo[1]), pids };
  }

  async function expectWhole({ url, site }: Dev): Promise<void> {
    await found('readiness', async () => ((await call(url, '/readyz')).status === 200 ? true : undefined));
    const page = `${site}/pages/number/7`;
    const { body } = await call<{ jobId: string }>(url, '/api/pages', 'POST', { url: page });
    expect((await completed(url, body.jobId)).result).toMatchObject({ url: page, status: 200 });
  }

  const expectGone = async ({ pids, url, site }: Dev): Promise<void> => {
    await found('the end of server and worker', () => !pids.some(isAlive) || undefined);
    // The demo site goes last, when the processes that watch the sources have ended too.
    const refuses = (address: string) =>
      fetch(address).then(
        () => undefined,
        () => true,
      );
    for (const address of [url, site]) await found(`the end of ${address}`, () => refuses(address));
  };

  it('runs server, worker and demo site on Redis, and ends them all on SIGTERM', { timeout: 60_000 }, async () => {
    const dev = await startDev(process.execPath, ['scripts/dev.ts', '--demo-port', '0']);
    await expectWhole(dev);
    const closed = once(dev.started, 'close');
    dev.started.kill('SIGTERM');
    expect(await closed).toEqual([0, null]);
    await expectGone(dev);
    expect(dev.lines.filter((line) => /server is closing|worker is draining/.test(line))).toHaveLength(2);
  });

  it('ends with the shell that started it', { timeout: 60_000 }, async () => {
    const dev = await startDev('sh', ['-c', `"${process.execPath}" scripts/dev.ts --demo-port 0; true`]);
    await expectWhole(dev);
    dev.started.kill('SIGKILL');
    await expectGone(dev);
  });
});
