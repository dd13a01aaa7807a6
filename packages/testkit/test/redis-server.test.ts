import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { hasRedisServer, startPrivateRedis } from '../src/redis-server.ts';

const possible = await hasRedisServer();
const cases = possible ? it : it.skip;
const reason = possible ? '' : ' (skipped: needs redis-server on the PATH)';

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

cases(`a private server starts again on its port, and is gone once closed${reason}`, async () => {
  const server = await startPrivateRedis();
  const { port, pid } = server;
  await server.stop();
  expect(server.pid).toBeUndefined();
  await server.start();
  expect(server.port).toBe(port);
  expect(server.pid).not.toBe(pid);
  const last = server.pid ?? 0;
  server.pause();
  await server.close();
  await server.close();
  expect([alive(pid ?? 0), alive(last)]).toEqual([false, false]);
});

cases(`says what redis-server said when it does not start${reason}`, async () => {
  await expect(startPrivateRedis({ args: ['--no-such-option', 'x'] })).rejects.toThrow(/no-such-option/);
});

cases(`a process that is killed leaves neither server nor directory behind${reason}`, async () => {
  const script = `
    import { startPrivateRedis } from '${new URL('../src/redis-server.ts', import.meta.url).href}';
    const server = await startPrivateRedis();
    console.log(server.pid);
    setInterval(() => undefined, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const pid = Number(String(line).trim());
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]);
  expect(stdout).toContain('redis-server');
  const directory = (
    await promisify(execFile)('readlink', [`/proc/${pid}/cwd`]).catch(() => ({ stdout: '' }))
  ).stdout.trim();
  child.kill('SIGKILL');
  await expect.poll(() => alive(pid), { timeout: 10_000 }).toBe(false);
  await expect.poll(() => directory !== '' && existsSync(directory), { timeout: 10_000 }).toBe(false);
});
