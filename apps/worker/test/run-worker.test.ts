import type { Features } from '@portolan/api';
import { type Logger, type Portolan, silentLogger } from '@portolan/core';
import type { Metrics } from '@portolan/platform';
import { expect, it, vi } from 'vitest';
import { runWorker } from '../src/run-worker.ts';

/** What a worker of these queues warns of, on a store that knows the queue `filled` and with a handler whose jobs go to `own`. */
async function warningsOf(queues: readonly string[], queuesOf: () => Promise<unknown>): Promise<unknown[]> {
  const warn = vi.fn<Logger['warn']>();
  const looked = vi.fn(queuesOf);
  const portolan = { worker: () => ({ start: () => undefined }), queue: { queues: looked } };
  const features = { handlers: [{ definition: { queue: 'own' } }], attachWorker: () => undefined };
  runWorker(portolan as unknown as Portolan, features as unknown as Features, {
    concurrency: 1,
    queues,
    logger: { ...silentLogger, warn },
    metrics: { worker: () => undefined } as unknown as Metrics,
  });
  await Promise.allSettled(looked.mock.results.map(({ value }) => value));
  await new Promise(setImmediate);
  return warn.mock.calls.map(([fields]) => fields);
}

it('warns once of a named queue that nobody knows', async () => {
  const filled = async () => [{ queue: 'filled' }];
  expect(await warningsOf(['own', 'filled', 'fillde'], filled)).toEqual([{ queue: 'fillde' }]);
  expect(await warningsOf(['fillde'], () => Promise.reject(new Error('away')))).toEqual([]);
});
