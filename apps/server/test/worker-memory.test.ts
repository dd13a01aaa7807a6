import { once } from 'node:events';
import { expect, it } from 'vitest';
import { startProcess } from './processes.ts';

it('a worker on a store that lives in one process says in one line why it cannot run', async () => {
  const worker = startProcess('worker', { BACKEND_URL: 'memory:' });
  let told = '';
  worker.child.stderr?.on('data', (chunk) => {
    told += chunk;
  });
  await once(worker.child, 'close');
  expect(worker.child.exitCode).toBe(2);
  expect(worker.logs).toEqual([]);
  expect(told).toMatch(/^BACKEND_URL: memory: [^\n]+ an example for a worker is BACKEND_URL=redis:[^\n]+\n$/);
});
