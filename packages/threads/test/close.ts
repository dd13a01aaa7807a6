import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryAdapter } from '@portolan/adapter-memory';
import { createPortolan, openBackend } from '@portolan/core';
import { handleInThread } from '../src/index.ts';
import { compute } from './job.ts';

/** Closes a handler when nothing else is left to do, and while the answer of a run that was given up is on its way. */
const folder = mkdtempSync(join(tmpdir(), 'portolan-threads-'));
const file = join(folder, 'gate');
const portolan = createPortolan(await openBackend('memory:', { adapters: [memoryAdapter()] }));
const handler = handleInThread(compute, new URL('./jobs/compute.ts', import.meta.url), { threads: 1, graceMs: 60_000 });
const worker = portolan.worker({ handlers: [handler] });
worker.start();
await portolan.queue.result((await portolan.queue.enqueue(compute, { what: 'first' })).id);
await portolan.queue.enqueue(compute, { what: 'block', file });
while (worker.active.length === 0) await new Promise(setImmediate);
await worker.stop({ graceMs: 0 });
await portolan.close();
writeFileSync(file, '');
while (!existsSync(`${file}.answered`));
rmSync(folder, { recursive: true });
await handler.close();
console.log('closed');
