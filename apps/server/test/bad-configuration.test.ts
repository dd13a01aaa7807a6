import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { runToEnd } from './run-to-end.ts';

const SECRET = 'hunter2-hunter2';
const bad: [app: string, variable: string, env: Record<string, string>][] = [
  ['server', 'PORT', { PORT: '80a' }],
  ['server', 'PORT', { PORT: '65536' }],
  ['server', 'BACKEND_URL', { BACKEND_URL: 'nonsense' }],
  ['server', 'BACKEND_URL', { BACKEND_URL: 'mongodb://127.0.0.1' }],
  ['server', 'BACKEND_URL', { BACKEND_URL: `redis://:${SECRET}@127.0.0.1:99999` }],
  ['server', 'NAMESPACE', { NAMESPACE: 'with blank' }],
  ['server', 'HOST', { HOST: '0.0.0.0' }],
  ['server', 'HOST', { HOST: '203.0.113.7', API_TOKENS: `ci:${SECRET}:read` }],
  ['server', 'API_TOKENS', { API_TOKENS: `ci:${SECRET}:everything` }],
  ['server', 'API_TOKENS', { API_TOKENS: SECRET }],
  ['server', 'UNIVERSITIES_URL', { UNIVERSITIES_URL: 'ftp://example.com' }],
  ['server', 'FETCH_ALLOW', { FETCH_ALLOW: 'localhost' }],
  ['server', 'FETCH_ALLOW', { FETCH_ALLOW: '127.0.0.1:99999' }],
  ['server', 'WORKER_CONCURRENCY', { WORKER_CONCURRENCY: '0' }],
  ['server', 'PAYLOAD_KEYS', { PAYLOAD_KEYS: `k1:${SECRET}` }],
  ['server', 'WORKER_PORT', { WORKER_PORT: 'nine' }],
  ['worker', 'WORKER_MAX_BLOCK_MS', { BACKEND_URL: 'redis://127.0.0.1:1', WORKER_MAX_BLOCK_MS: '-1' }],
  ['server', 'LOG_LEVEL', { LOG_LEVEL: 'loud' }],
  ['worker', 'BACKEND_URL', { BACKEND_URL: 'memory:' }],
  ['worker', 'WORKER_EVENTS', { BACKEND_URL: 'redis://127.0.0.1:1', WORKER_EVENTS: 'some' }],
  ['worker', 'PAYLOAD_KEYS', { BACKEND_URL: 'redis://127.0.0.1:1', PAYLOAD_KEYS: SECRET }],
  ['worker', 'WORKER_CONCURRENCY', { BACKEND_URL: 'redis://127.0.0.1:1', WORKER_CONCURRENCY: 'many' }],
];

describe.concurrent('a bad configuration', () => {
  it.each(bad)('of the %s ends it with one line that names %s: %o', async (app, variable, env) => {
    const { code, out, err } = await runToEnd(app, { BACKEND_URL: 'memory:', PORT: '0', ...env });
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).toMatch(new RegExp(`^${variable}: .*an example`));
    expect(err + out).not.toContain(SECRET);
    expect(code).toBe(2);
  });

  it('of the worker command line is told the same way', async () => {
    for (const args of [['--concurrency', 'x'], ['--nonsense'], ['--queues', ','], ['stray']]) {
      const { code, err } = await runToEnd('worker', { BACKEND_URL: 'redis://127.0.0.1:1' }, args);
      expect([args, code, err.trim().split('\n').length]).toEqual([args, 2, 1]);
    }
    const help = await runToEnd('worker', {}, ['--help']);
    expect([help.code, help.err]).toEqual([0, '']);
    expect(help.out).toContain('--concurrency');
    expect(help.out).toContain('--queues');
  }, 60_000);

  it('a port that is taken is told like one', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const { code, err } = await runToEnd('server', { BACKEND_URL: 'memory:', PORT: String(port) });
    taken.close();
    expect(err).toMatch(new RegExp(`^PORT: ${port} is taken`));
    expect([code, err.trim().split('\n').length]).toEqual([2, 1]);
  });
});
