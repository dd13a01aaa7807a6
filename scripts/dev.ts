/**
 * The whole system on this machine: server, worker and a demo site, each restarting when its sources change.
 * A store that lives in one process (`memory:`) has the worker inside the server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startDemoSite } from '@portolan/demo';
import { readConfig } from '@portolan/platform';

const DEMO_PORT = 8090;
const root = fileURLToPath(new URL('..', import.meta.url));

function start(app: string, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, ['--watch', '--watch-preserve-output', `apps/${app}/src/main.ts`], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

try {
  readConfig(process.env);
} catch (error) {
  fail((error as Error).message);
}
const { backendUrl } = readConfig(process.env);
const site = await startDemoSite({ port: DEMO_PORT }).catch(() =>
  fail(`demo site: port ${DEMO_PORT} on 127.0.0.1 is taken; is another dev running?`),
);
const demo = { UNIVERSITIES_URL: `${site.url}/search`, FETCH_ALLOW: `127.0.0.1:${site.port}` };
const env = { ...demo, ...process.env };
const apps = backendUrl.startsWith('memory:') ? ['server'] : ['server', 'worker'];
const children = apps.map((app) => start(app, env));
console.log(`demo site on ${site.url}`);

async function stop(): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }),
  );
  await site.close();
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
