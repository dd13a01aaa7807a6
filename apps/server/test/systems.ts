import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { startServer, startWorker, type TestProcess, type TestServer } from './processes.ts';

/** What a system of processes stands on. */
export type BackendName = 'memory' | 'sqlite' | 'redis';
export const BACKENDS: readonly BackendName[] = ['memory', 'sqlite', 'redis'];

/** The Redis of this run; null where there is none, and cases that need one are skipped. */
export const redisUrl = inject('redisUrl');
export const isMissing = (backend: BackendName): boolean => backend === 'redis' && !redisUrl;

/** Where the SQLite files of this run are; gone with it. */
const folder = mkdtempSync(join(tmpdir(), 'portolan-e2e-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** The environment of processes that share one store which nobody else uses. */
export function storeEnv(backend: BackendName): Record<string, string> {
  if (backend === 'memory') return { BACKEND_URL: 'memory:' };
  if (backend === 'sqlite') return { BACKEND_URL: `sqlite:${join(folder, randomUUID())}.db` };
  return { BACKEND_URL: redisUrl ?? '', NAMESPACE: `test-${randomUUID().slice(0, 8)}` };
}

export interface System {
  readonly server: TestServer;
  /** Beside the server; on memory the server is the worker too. */
  readonly worker: TestProcess | undefined;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** A server, and one worker process beside it unless the store is in the server's memory. */
export async function startSystem(backend: BackendName, more: Record<string, string> = {}): Promise<System> {
  const env = { ...storeEnv(backend), ...more };
  const server = await startServer(env);
  const worker = backend === 'memory' ? undefined : await startWorker(env);
  return {
    server,
    worker,
    env,
    async close() {
      await Promise.all([server.end('SIGKILL'), worker?.end('SIGKILL')]);
    },
  };
}

/** Asks until the answer is as wanted; throws with the last answer after the deadline. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  wanted: (answer: T) => boolean,
  deadlineMs = 10_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms; last answer: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
