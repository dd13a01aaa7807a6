import { setTimeout as delay } from 'node:timers/promises';
import { isCi } from '@portolan/testkit/choose-redis';
import { hasRedisServer, type PrivateRedis } from '@portolan/testkit/redis-server';
import { describe, expect } from 'vitest';
import { type LogLine, startServer, startWorker, type TestProcess, type TestServer } from './processes.ts';

/** These tests do harm to their Redis, so each has its own; under CI a host without one fails. */
const possible = isCi(process.env) || (await hasRedisServer());

export function describeWithRedis(name: string, cases: () => void): void {
  if (possible) describe(name, cases);
  else describe.skip(`${name} (skipped: needs redis-server on the PATH)`, cases);
}

/** Looks until there is something to find. Its deadline is for what never comes, not for what is slow. */
export async function found<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const answer = await look();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`not within 60 s: ${what}`);
    await delay(25);
  }
}

export interface Answer<T = unknown> {
  readonly status: number;
  readonly body: T;
  readonly ms: number;
}

/** One request; `T` is what the test expects the body to be. Nothing may hang: an answer that takes longer than 10 s is an error. */
export async function call<T>(url: string, path: string, method = 'GET', body?: unknown): Promise<Answer<T>> {
  const started = performance.now();
  const response = await fetch(url + path, {
    method,
    signal: AbortSignal.timeout(10_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text) as T, ms: performance.now() - started };
}

/** An answer of `POST /api/commands`. */
export interface Report {
  readonly id: string;
  readonly expected: number;
  readonly replies: readonly { instance: string; role: string; pid: number; outcome: string; result?: unknown }[];
  readonly missing: readonly string[];
  readonly lost: readonly string[];
}

export interface Instance {
  readonly instance: string;
  readonly role: string;
  readonly pid: number;
}

export interface Job {
  readonly state: string;
  readonly attempts: number;
  readonly result: unknown;
}

/** The job, once it is completed. */
export const completed = (url: string, id: string): Promise<Job> =>
  found(`job ${id}`, async () => {
    const { body } = await call<Job>(url, `/api/jobs/${id}`);
    return body.state === 'completed' ? body : undefined;
  });

export interface Load {
  readonly answers: Answer[];
  /** Requests that got no answer at all. */
  readonly errors: unknown[];
  /** Lets what is under way finish. */
  stop(): Promise<void>;
}

/** Clients that send one request after the other. */
export function load(clients: number, request: (client: number, round: number) => Promise<Answer>): Load {
  const answers: Answer[] = [];
  const errors: unknown[] = [];
  let stopped = false;
  const loops = Array.from({ length: clients }, async (_, client) => {
    for (let round = 0; !stopped; round++) {
      try {
        answers.push(await request(client, round));
      } catch (error) {
        errors.push(error);
      }
    }
  });
  return {
    answers,
    errors,
    async stop() {
      stopped = true;
      await Promise.all(loops);
    },
  };
}

export interface Fleet {
  readonly server: TestServer;
  readonly workers: readonly TestProcess[];
  readonly all: readonly TestProcess[];
  /** Ends at once whatever still runs, the frozen ones too. */
  kill(): Promise<void>;
}

/** A server and workers as separate processes on one Redis, each a live instance. */
export async function startFleet(
  redis: PrivateRedis,
  workers: number,
  env: Record<string, string> = {},
): Promise<Fleet> {
  const all = { BACKEND_URL: redis.url, ...env };
  const [server, ...others] = await Promise.all([
    startServer(all),
    ...Array.from({ length: workers }, () => startWorker(all)),
  ] as [Promise<TestServer>, ...Promise<TestProcess>[]]);
  const fleet: Fleet = {
    server,
    workers: others,
    all: [server, ...others],
    async kill() {
      await Promise.all(fleet.all.map((one) => one.end('SIGKILL')));
    },
  };
  await found(`${workers + 1} instances`, async () => {
    const { body } = await call<{ instances: Instance[] }>(server.url, '/api/instances');
    return body.instances.length === workers + 1 || undefined;
  });
  return fleet;
}

/** Lets processes finish and end, after which all that they logged is at hand. */
export async function drain(processes: readonly TestProcess[]): Promise<void> {
  for (const code of await Promise.all(processes.map((one) => one.end()))) expect(code).toBe(0);
}

/** Lines with this message. */
export const logged = (process: TestProcess, message: string): LogLine[] =>
  process.logs.filter((line) => line.msg === message);

/** The job ids of such lines. */
export const jobIds = (process: TestProcess, message: string): string[] =>
  logged(process, message).map((line) => String(line.id));

/** How often the process ran the command, as far as its log has come. */
export const runsOf = (process: TestProcess, commandId: string): number =>
  logged(process, 'command runs').filter(({ id }) => id === commandId).length;

/** Which occur more than once. */
export function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}
