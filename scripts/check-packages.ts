import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './turbo.ts';

/**
 * Packs what is published, as built in dist, unpacks it beside its dependencies in a scratch folder, and uses it as a stranger would:
 * a TypeScript consumer is typechecked against the declarations and then run as plain JavaScript. Needs `pnpm build` first, no network.
 */
const PACKAGES = ['core', 'adapter-memory', 'adapter-redis', 'adapter-sqlite', 'platform', 'threads', 'testkit'];

const CONSUMER = `
import { memoryAdapter } from '@portolan/adapter-memory';
import { redisAdapter } from '@portolan/adapter-redis';
import { createPortolan, createRuntime, defineJob, openBackend, PortolanError, type Schema } from '@portolan/core';
import { openLeaseKeeper, openStore } from '@portolan/platform';
import { chooseRedis } from '@portolan/testkit/choose-redis';
import { startPrivateRedis } from '@portolan/testkit/redis-server';
import { handleInThread } from '@portolan/threads';

const adapters = [memoryAdapter(), redisAdapter()];
const backend = await openBackend('memory:', { adapters });
await backend.ping();
// @ts-expect-error: the types came along, a claim is a number
void (() => backend.queue.exchange('q', { claim: 'many' }));
const refused: unknown = await openBackend('ftp:', { adapters }).catch((error: unknown) => error);
if (!PortolanError.is(refused, 'INVALID')) throw refused;
const name: string = backend.capabilities.name;

const any: Schema = { '~standard': { version: 1, vendor: 'consumer', validate: (value) => ({ value }) } };
const square = defineJob({ name: 'square', input: any, output: any });
const handler = handleInThread(square, new URL('square.js', import.meta.url));
const portolan = createPortolan(backend);
const worker = portolan.worker({ handlers: [handler] });
worker.start();
const { id } = await portolan.queue.enqueue(square, 12);
const squared = await portolan.queue.result(id, { timeoutMs: 10_000 });
await worker.stop();
await handler.close();
await backend.close();

// A thread of a built package starts from what was built: while this thread is blocked, it renews a lease that would end three times over.
const options = { namespace: 'n', runtime: createRuntime() };
const url = 'sqlite:' + new URL('keeper.db', import.meta.url).pathname;
const { queue, close } = await openStore(url, { ...options, deadlineMs: 2_000 });
const keeper = openLeaseKeeper({ ...options, url, logLevel: 'error' });
await keeper.ready;
const retention = { completed: { count: 9, ms: 9_999 }, failed: { count: 9, ms: 9_999 } };
await queue.push('q', [{ id: 'a', body: '{}', priority: 0, delayMs: 0 }]);
await queue.exchange('q', { session: 's', nonce: '1', leaseMs: 1_500, settled: [], claim: 1, retention });
keeper.hold('q', 's', 1_500);
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_500);
const { recovered } = await queue.sweep('q', { maxStalls: 9, error: '{}', retention, idleMs: 9_999 });
await keeper.close();
await close();
console.log(squared, recovered.length, name, typeof chooseRedis, typeof startPrivateRedis);
`;

interface Manifest {
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const run = promisify(execFile);
const scratch = await mkdtemp(join(tmpdir(), 'portolan-packages-'));
try {
  const filters = PACKAGES.map((name) => `--filter=@portolan/${name}`);
  await run('pnpm', ['--recursive', ...filters, 'pack', '--pack-destination', scratch], { cwd: root });
  for (const name of PACKAGES) await install(name);
  await link('@types/node', root);
  await writeFile(join(scratch, 'package.json'), '{ "type": "module" }');
  await writeFile(join(scratch, 'consumer.ts'), CONSUMER);
  await writeFile(join(scratch, 'square.js'), 'export default (n) => n * n;');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [
    ...[tsc, '--strict', '--target', 'ES2024', '--module', 'NodeNext', '--types', 'node'],
    ...['--skipLibCheck', 'false', join(scratch, 'consumer.ts')],
  ]);
  const { stdout } = await run(process.execPath, [join(scratch, 'consumer.js')]);
  if (stdout.trim() !== '144 0 memory function function') throw new Error(`the consumer printed: ${stdout}`);
  console.log(`${PACKAGES.length} packages: packed, typechecked and run as published`);
} catch (error) {
  console.error(error instanceof Error && 'stdout' in error ? `${error.message}\n${error.stdout}` : error);
  process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function install(name: string): Promise<void> {
  const target = join(scratch, 'node_modules/@portolan', name);
  await mkdir(target, { recursive: true });
  const archive = (await readdir(scratch)).find((file) => new RegExp(`^portolan-${name}-\\d.*\\.tgz$`).test(file));
  if (!archive) throw new Error(`${name}: not packed`);
  await run('tar', ['-xzf', join(scratch, archive), '--strip-components=1', '-C', target]);
  const manifest = JSON.parse(await readFile(join(target, 'package.json'), 'utf8')) as Manifest;
  const files = Object.values(manifest.exports).flatMap((conditions) => Object.values(conditions));
  for (const file of files) await access(join(target, file));
  for (const [dependency, version] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (/^(workspace|catalog|link):/.test(version))
      throw new Error(`${name}: ${dependency} is published as ${version}`);
    if (!dependency.startsWith('@portolan/')) await link(dependency, join(root, 'packages', name));
  }
}

/** A third-party package, from where the workspace has it. */
async function link(dependency: string, from: string): Promise<void> {
  const target = join(scratch, 'node_modules', dependency);
  await mkdir(dirname(target), { recursive: true });
  const source = await realpath(join(from, 'node_modules', dependency));
  await symlink(source, target, 'junction').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
