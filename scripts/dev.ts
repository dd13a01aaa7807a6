/**
 * The whole system on this machine: server, worker and a demo site, each restarting when its sources change.
 * A store that lives in one process (`memory:`) has the worker inside the server. All of it ends together: on SIGINT, SIGTERM or SIGHUP, and
 * when the process that started this one is gone. `--demo-port` moves the demo site.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startDemoSite } from '@portolan/demo';
import { readConfig } from '@portolan/platform';

const PARENT_CHECK_MS = 500;
const root = fileURLToPath(new URL('..', import.meta.url));

function start(app: string, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--watch', '--watch-preserve-output', `apps/${app}/src/main.ts`],
    {
      cwd: root,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

function readArguments(): { readonly backendUrl: string; readonly demoPort: number } {
  try {
    const { values } = parseArgs({ options: { 'demo-port': { type: 'string', default: '8090' } } });
    return { backendUrl: readConfig(process.env).backendUrl, demoPort: Number(values['demo-port']) };
  } catch (error) {
    return fail((error as Error).message);
  }
}

const { backendUrl, demoPort } = readArguments();
const site = await startDemoSite({ port: demoPort }).catch(() =>
  fail(
    `demo site: cannot listen on port ${demoPort} of 127.0.0.1; is another dev running? --demo-port 8091 takes another`,
  ),
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
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void stop());
// A shell or a package manager that is killed tells nobody; what it started has another parent from then on.
const parent = process.ppid;
const watching = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(watching);
  void stop();
}, PARENT_CHECK_MS);
