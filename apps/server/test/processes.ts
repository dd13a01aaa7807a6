import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type LogLine = Readonly<Record<string, unknown>>;

/** A real Portolan process under test, and what it logged. */
export interface TestProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly logs: readonly LogLine[];
  /** The first line, past or coming, that matches. Throws when the process ends before. */
  line(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** SIGTERM unless told, and waits for the end; answers the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

const main = (app: string): string => fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url));

/** Starts `apps/<app>` with only this environment (and PATH). */
export function startProcess(app: string, env: Record<string, string>, args: readonly string[] = []): TestProcess {
  const child = spawn(process.execPath, [main(app), ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const logs: LogLine[] = [];
  let other = '';
  const listeners = new Set<() => void>();
  let ended = false;
  const tell = () => {
    for (const listener of listeners) listener();
  };
  child.stderr.on('data', (chunk) => {
    other += chunk;
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    // A killed process may leave half a line.
    if (text.endsWith('}')) logs.push(JSON.parse(text) as LogLine);
    tell();
  });
  child.once('exit', () => {
    ended = true;
    tell();
  });
  return {
    child,
    pid: child.pid ?? 0,
    logs,
    line: (matches) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = logs.find(matches);
          if (!found && !ended) return;
          listeners.delete(look);
          if (found) resolve(found);
          else reject(new Error(`${app} ended (${child.exitCode ?? child.signalCode}): ${other}`));
        };
        listeners.add(look);
        look();
      }),
    async end(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) {
        // Not at its exit but when all that it logged has been read.
        const closed = once(child, 'close');
        child.kill(signal);
        await closed;
      }
      return child.exitCode;
    },
  };
}

export interface TestServer extends TestProcess {
  readonly url: string;
}

/** A server on a free port, once it is ready. */
export async function startServer(env: Record<string, string>): Promise<TestServer> {
  const server = startProcess('server', { PORT: '0', ...env });
  const running = await server.line((line) => line.msg === 'server is running');
  const url = String(running.url);
  while (!(await fetch(`${url}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 20));
  return { ...server, url };
}

/** A worker, once it runs. */
export async function startWorker(env: Record<string, string>, args: readonly string[] = []): Promise<TestProcess> {
  const worker = startProcess('worker', env, args);
  await worker.line((line) => line.msg === 'worker is running');
  return worker;
}
