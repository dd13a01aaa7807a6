import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMetrics } from '@portolan/platform';
import { expect, it } from 'vitest';
import { startMonitor } from '../src/monitor.ts';

const options = { host: '127.0.0.1', tokens: [], metrics: createMetrics('worker'), state: () => undefined };

it('a port that is taken is told as the variable that names it', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await expect(startMonitor({ ...options, port })).rejects.toMatchObject({
    code: 'INVALID',
    message: `WORKER_PORT: ${port} is taken on 127.0.0.1; an example is WORKER_PORT=8081`,
  });
  taken.close();
});

it('answers while the worker is starting, and metrics that fail with an error', async () => {
  const failing = { ...options.metrics, text: () => Promise.reject(new Error('secret of the store')) };
  const monitor = await startMonitor({ ...options, metrics: failing, port: 0 });
  try {
    const health = await fetch(`${monitor.url}/healthz`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'alive', worker: 'starting' }]);
    const metrics = await fetch(`${monitor.url}/metrics`);
    expect([metrics.status, await metrics.json()]).toEqual([500, { code: 'INTERNAL', message: 'internal error' }]);
  } finally {
    await monitor.close();
  }
});
