import { existsSync, writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { PortolanError } from '@portolan/core';
import type { ThreadRun } from '../../src/index.ts';
import type { compute } from '../job.ts';

/** Does what the test says. */
const run: ThreadRun<typeof compute> = async ({ what, file, at }, context) => {
  const { id, queue, attempt, createdAt, signal, progress, logger } = context;
  if (what === 'block') {
    while (!existsSync(String(file)));
    setImmediate(() => writeFileSync(`${file}.answered`, ''));
  }
  if (what === 'work for 150 ms') for (const end = Date.now() + 150; Date.now() < end; );
  if (what === 'never stop') for (;;);
  if (what === 'stop in a loop') while (!context.stopped);
  if (what === 'stop by signal') await new Promise((resolve) => signal.addEventListener('abort', resolve));
  if (what === 'tell why')
    signal.addEventListener('abort', () => logger.warn({ reason: String(signal.reason) }, 'why'));
  if (what === 'tell why') await new Promise(() => undefined);
  if (what === 'children') return { thread: threadId, said: JSON.stringify(await context.children()) };
  if (what === 'refuse') throw new PortolanError('FORBIDDEN', 'never', { retryable: false, retryAfterMs: 7 });
  if (what === 'break') throw new TypeError('broken');
  if (what === 'die once' && attempt === 1) process.exit(3);
  if (what === 'throw later') setTimeout(() => Promise.reject(new Error('nobody caught it')), 0);
  if (what === 'throw later') await new Promise(() => undefined);
  if (what === 'answer a function') return () => 1;
  if (what === 'date') return { thread: threadId, said: `${at instanceof Date} ${at?.getFullYear()}` };
  if (what === 'report') {
    await progress({ percent: 50 });
    logger.info({ step: 1, broken: () => 1 }, 'not all can be copied');
    logger.info({ step: 2 }, 'half');
    const [refused] = await Promise.allSettled([progress('x'.repeat(20_000)), progress(() => 1)]);
    return { thread: threadId, said: String((refused as PromiseRejectedResult).reason) };
  }
  return { thread: threadId, said: `${what} ${id} ${queue} ${attempt} ${createdAt > 0}` };
};

export default run;
