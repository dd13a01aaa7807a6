import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createTestCertificate } from './test-certificate.ts';

export interface PrivateRedisOptions {
  /** Further arguments of `redis-server`, such as `['--maxmemory-policy', 'allkeys-lru']`. */
  readonly args?: readonly string[];
  readonly password?: string;
  /** Writes an append-only file, so that `start` after `stop` or `kill` finds the data again. */
  readonly appendOnly?: boolean;
  /** Listens on TLS only, with a self-signed certificate for `localhost` and 127.0.0.1. Needs `openssl`. */
  readonly tls?: boolean;
}

/** A `redis-server` of one's own, to do harm to. */
export interface PrivateRedis {
  /** Holds the password and the certificate's path where there are any. */
  readonly url: string;
  readonly port: number;
  /** The running process; undefined while stopped. */
  readonly pid: number | undefined;
  /** Ends it as an operator would; the directory stays. */
  stop(): Promise<void>;
  /** kill -9; the directory stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and directory. */
  start(): Promise<void>;
  /** Freezes the process (SIGSTOP): connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends it for good and removes its directory. Repeatable. */
  close(): Promise<void>;
}

/** Is there a `redis-server` on the PATH, for a private one? */
export async function hasRedisServer(path = process.env.PATH ?? ''): Promise<boolean> {
  for (const directory of path.split(delimiter).filter(Boolean)) {
    const found = await access(join(directory, 'redis-server'), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/**
 * Starts `redis-server` on a free port of 127.0.0.1 with a temporary directory. The process and the directory go away with the
 * calling process, however that ends.
 */
export async function startPrivateRedis(options: PrivateRedisOptions = {}): Promise<PrivateRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'portolan-redis-'));
  const port = await freePort();
  const certificate = options.tls ? await createTestCertificate(directory) : undefined;
  const args = [
    ...(certificate
      ? ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', ...certificate.redisArgs]
      : ['--port', String(port)]),
    ...['--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', options.appendOnly ? 'yes' : 'no'],
    ...(options.password ? ['--requirepass', options.password] : []),
    ...(options.args ?? []),
  ];
  let server: RunningServer | undefined;

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ending = server;
    server = undefined;
    await ending?.end(signal);
  }
  async function start(): Promise<void> {
    if (!server) server = await runServer(args, directory);
  }
  async function close(): Promise<void> {
    await end('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  }

  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  const login = options.password ? `:${encodeURIComponent(options.password)}@` : '';
  return {
    url: certificate
      ? `rediss://${login}127.0.0.1:${port}?tlsCa=${encodeURIComponent(certificate.file)}`
      : `redis://${login}127.0.0.1:${port}`,
    port,
    get pid() {
      return server?.child.pid;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    start,
    pause: () => void server?.child.kill('SIGSTOP'),
    resume: () => void server?.child.kill('SIGCONT'),
    close,
  };
}

interface RunningServer {
  readonly child: ChildProcess;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

async function runServer(args: readonly string[], directory: string): Promise<RunningServer> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
      if (output.includes('Ready to accept connections')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    void exited.then(() => reject(new Error(`redis-server ended at once: ${output.trim()}`)));
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.removeAllListeners('data').resume();
    (stream as Socket).unref();
  }
  child.unref();
  const watchdog = guard(child, directory);
  return {
    child,
    async end(signal) {
      watchdog.kill('SIGKILL');
      child.ref();
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      // A frozen process takes notice of SIGTERM only once it goes on.
      if (signal === 'SIGTERM') child.kill('SIGCONT');
      await exited;
    },
  };
}

/** A shell that waits for the end of its input, which is the end of this process, and then removes what would be left of the server. */
function guard(child: ChildProcess, directory: string): ChildProcess {
  const script = 'read -r _; kill -9 "$1"; rm -rf "$2"';
  const watchdog = spawn('sh', ['-c', script, 'guard', String(child.pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  (watchdog.stdin as Socket).unref();
  return watchdog;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}
