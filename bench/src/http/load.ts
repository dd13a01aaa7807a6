/** Requests to a server of its own process, which a command line names: one of `peer-server.ts`, or Portolan's. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { compete, numberOf } from '../harness/contender.ts';
import type { Task } from '../harness/contest.ts';

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
  readonly headers: Record<string, string>;
}

const SERVER = fileURLToPath(new URL('../../../apps/server/src/main.ts', import.meta.url));
const PING = '/trpc/system.ping';
/** Of the kernel's clock in /proc. */
const TICK_US = 10_000;

async function startPeer(host: string): Promise<Server> {
  const child = fork(fileURLToPath(new URL('./peer-server.ts', import.meta.url)), [host]);
  const [url] = (await once(child, 'message')) as [string];
  return { child, url, headers: {} };
}

/** Portolan's server as it is run: tokens, scopes, limits, metrics and logs. */
async function startPortolan({ redisUrl, folder, parameters }: Task): Promise<Server> {
  const secret = 'a-long-secret-of-the-bench';
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SERVER], {
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      API_TOKENS: `bench:${secret}:read`,
      BACKEND_URL: parameters.store === 'redis' ? redisUrl : `sqlite:${join(folder, 'bench.db')}`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, url } = JSON.parse(line);
    if (msg !== 'server is running') continue;
    child.stdout.resume();
    return { child, url: `${url}${PING}`, headers: { authorization: `Bearer ${secret}` } };
  }
  throw new Error('the server ended before it was running');
}

compete({
  async ping(task) {
    const host = process.argv[2] ?? '';
    const server = host === 'portolan' ? await startPortolan(task) : await startPeer(host);
    const { url, headers } = server;
    const load = { url, headers, connections: numberOf(task, 'connections') };
    await autocannon({ ...load, duration: 1 });
    const before = cpuUsOf(server.child);
    const result = await autocannon({ ...load, duration: numberOf(task, 'seconds') });
    const serverUs = (cpuUsOf(server.child) - before) / result.requests.total;
    const exited = once(server.child, 'exit');
    server.child.kill();
    await exited;
    if (result.non2xx > 0 || result.errors > 0) {
      throw new Error(`${host}: ${result.non2xx} bad answers, ${result.errors} errors`);
    }
    const { p50, p99 } = result.latency;
    return { perSecond: result.requests.total / result.duration, clientUs: serverUs, p50, p99 };
  },
});

/** Processor time of another process so far. NaN where there is no /proc. */
function cpuUsOf({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_US;
  } catch {
    return Number.NaN;
  }
}
