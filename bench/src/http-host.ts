/**
 * Which HTTP host carries tRPC best? A ping over each, one process, interleaved rounds; prints the median of each and its ratio to
 * the standalone adapter. Run: `npx -y pnpm@12 bench http-host`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

const HOSTS = ['standalone', 'fetch-hono-node-server', 'hono-app', 'node-http'] as const;
const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 50;

interface Round {
  readonly perSecond: number;
  readonly p99: number;
}

async function measure(host: string): Promise<Round> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./http-host-server.ts', import.meta.url)), [host]);
  const [port] = (await once(child, 'message')) as [number];
  const url = `http://127.0.0.1:${port}/trpc/ping`;
  await autocannon({ url, connections: CONNECTIONS, duration: 1 });
  const result = await autocannon({ url, connections: CONNECTIONS, duration: SECONDS });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${host}: ${result.non2xx} bad answers, ${result.errors} errors`);
  child.kill();
  await once(child, 'exit');
  return { perSecond: result.requests.average, p99: result.latency.p99 };
}

const rounds = new Map<string, Round[]>(HOSTS.map((host) => [host, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const host of HOSTS) rounds.get(host)?.push(await measure(host));
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const base = median((rounds.get('standalone') ?? []).map((one) => one.perSecond));
console.log('host                      req/s (min-max)            ratio   p99 ms');
for (const [host, results] of rounds) {
  const speeds = results.map((one) => one.perSecond);
  const middle = median(speeds);
  const spread = `${Math.round(middle)} (${Math.round(Math.min(...speeds))}-${Math.round(Math.max(...speeds))})`;
  console.log(
    `${host.padEnd(25)} ${spread.padEnd(26)} ${(middle / base).toFixed(2).padEnd(7)} ${median(results.map((one) => one.p99))}`,
  );
}
