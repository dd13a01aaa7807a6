import { afterEach, beforeEach } from 'vitest';
import { type GateSite, startGateSite } from './gate-site.ts';
import { startServer, startWorker, type TestProcess, type TestServer } from './processes.ts';

const running = new Set<TestProcess>();
/** A site that the processes may fetch from; a new one for each test. */
export let gate: GateSite;
beforeEach(async () => {
  gate = await startGateSite('slow page');
});
afterEach(async () => {
  await Promise.all([...running].map((one) => one.end('SIGKILL')));
  running.clear();
  await gate.close();
});

/** Started for one test, and ended with it. */
export async function server(env: Record<string, string>): Promise<TestServer> {
  const started = await startServer({ FETCH_ALLOW: `127.0.0.1:${gate.port}`, ...env });
  running.add(started);
  return started;
}
/** Started for one test, and ended with it. */
export async function worker(env: Record<string, string>, args: readonly string[] = []): Promise<TestProcess> {
  const started = await startWorker({ FETCH_ALLOW: `127.0.0.1:${gate.port}`, ...env }, args);
  running.add(started);
  return started;
}

/** The exit code, and how it ended where it did not exit by itself. */
export const exit = ({ child }: TestProcess): Promise<readonly [number | null, NodeJS.Signals | null]> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve([child.exitCode, child.signalCode])
    : new Promise((resolve) => child.once('exit', (code, signal) => resolve([code, signal])));
