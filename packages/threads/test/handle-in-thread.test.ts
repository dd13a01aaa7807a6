import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { memoryAdapter } from '@portolan/adapter-memory';
import {
  createPortolan,
  createRuntime,
  type JobDefinition,
  type Logger,
  openBackend,
  type Portolan,
  silentLogger,
  type Worker,
} from '@portolan/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { handleInThread, type ThreadHandler, type ThreadOptions } from '../src/index.ts';
import { compute } from './job.ts';

const COMPUTE = new URL('./jobs/compute.ts', import.meta.url);
const SLOW = new URL('./jobs/slow-to-load.ts', import.meta.url);

let portolan: Portolan;
let worker: Worker | undefined;
let handler: ThreadHandler | undefined;
let logged: { readonly message: string; readonly [field: string]: unknown }[];

beforeEach(async () => {
  logged = [];
  const note = (fields: object, message: string) => void logged.push({ ...fields, message });
  const logger: Logger = { ...silentLogger, info: note, warn: note };
  const runtime = createRuntime({ logger });
  portolan = createPortolan(await openBackend('memory:', { adapters: [memoryAdapter()], runtime }), { runtime });
});
afterEach(async () => {
  await worker?.stop({ graceMs: 0 });
  await handler?.close();
  await portolan.close();
});

/** A worker that runs `compute`, or a job like it, in threads. */
function start(options: ThreadOptions = {}, job: JobDefinition = compute, module = COMPUTE): void {
  handler = handleInThread(job, module, options);
  worker = portolan.worker({ handlers: [handler], concurrency: 10 });
  worker.start();
}

const enqueue = async (what: string, more: object = {}) =>
  (await portolan.queue.enqueue(compute, { what, ...more })).id;
const ended = (id: string) =>
  expect
    .poll(async () => (await portolan.queue.get(id))?.state, { timeout: 15_000 })
    .toMatch(/completed|failed|cancelled/);
const active = (id: string) => expect.poll(async () => (await portolan.queue.get(id))?.state).toBe('active');
const job = (id: string) => portolan.queue.get(id);
const result = (id: string) =>
  portolan.queue.result(id, { timeoutMs: 15_000 }) as Promise<{ thread: number; said: string }>;

describe('a handler in a thread', () => {
  it('runs beside the loop of the worker, which goes on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portolan-threads-'));
    try {
      start();
      const id = await enqueue('block', { file: join(folder, 'gate') });
      await active(id);
      // The thread spins until this loop has made the file.
      writeFileSync(join(folder, 'gate'), '');
      const { thread, said } = await result(id);
      expect(said).toBe(`block ${id} default 1 true`);
      expect(thread).not.toBe(threadId);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('reports progress and logs through the worker', async () => {
    start();
    const id = await enqueue('report');
    const { said } = await result(id);
    expect(said).toContain('progress of job compute: more than 16384 characters');
    expect((await job(id))?.progress).toEqual({ percent: 50 });
    expect(logged).toEqual([
      expect.objectContaining({ message: 'not all can be copied', job: id, name: 'compute', attempt: 1 }),
      expect.objectContaining({ message: 'half', step: 2, job: id }),
    ]);
  });

  it('finds what its children answered', async () => {
    start();
    const child = { job: compute, data: { what: 'date', at: new Date(0) } };
    const { id } = await portolan.queue.enqueueFlow({ job: compute, data: { what: 'children' }, children: { child } });
    const { said } = await result(id);
    expect(JSON.parse(said)).toMatchObject({ child: { state: 'completed', result: { said: 'true 1970' } } });
  });

  it('fails as it does in place: with code, message and whether it may be tried again', async () => {
    start();
    const [refused, broken] = await Promise.all([enqueue('refuse'), enqueue('break')]);
    await ended(refused);
    expect(await job(refused)).toMatchObject({ attempts: 1, error: { code: 'FORBIDDEN', message: 'never' } });
    await ended(broken);
    expect(await job(broken)).toMatchObject({ attempts: 2, error: { code: 'INTERNAL', message: 'broken' } });
  });

  it('has its input and its output checked by the worker', async () => {
    start({}, { ...compute, output: z.object({ thread: z.number(), said: z.string().startsWith('true') }) });
    // A date is text in the store, and a date again for the handler.
    expect((await result(await enqueue('date', { at: new Date('2026-06-01') }))).said).toBe('true 2026');
    const wrong = await enqueue('date');
    await ended(wrong);
    expect(await job(wrong)).toMatchObject({ state: 'failed', attempts: 1, error: { code: 'INVALID' } });
  });

  it('is told why it must stop', async () => {
    start();
    const id = await enqueue('tell why');
    await active(id);
    await portolan.queue.cancel(id);
    await expect
      .poll(() => logged, { timeout: 15_000 })
      .toContainEqual(
        expect.objectContaining({ message: 'why', reason: 'PortolanError: the job was cancelled', job: id }),
      );
  });

  it.each(['stop in a loop', 'stop by signal'])('keeps its thread when it does stop: %s', async (what) => {
    start({ threads: 1, graceMs: 60_000 });
    const { thread } = await result(await enqueue('first'));
    const id = await enqueue(what);
    await active(id);
    await portolan.queue.cancel(id);
    await ended(id);
    expect(await result(await enqueue('next'))).toMatchObject({ thread });
  });

  it.each([0, 50])('loses its thread when it does not stop within %i ms, and the next has another', async (graceMs) => {
    start({ threads: 1, graceMs }, { ...compute, timeoutMs: 500, attempts: 1 });
    const stuck = await Promise.all([enqueue('never stop'), enqueue('never stop')]);
    for (const id of stuck) {
      await ended(id);
      expect(await job(id)).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } });
    }
    await worker?.stop({ graceMs: 0 });
    worker = portolan.worker({ handlers: [{ ...(handler as ThreadHandler), definition: compute }] });
    worker.start();
    expect((await result(await enqueue('next'))).thread).toBeGreaterThan(0);
  });

  it('waits for a thread beside its timeout', async () => {
    start({ threads: 1 }, { ...compute, timeoutMs: 1_000, attempts: 1 });
    const ids = await Promise.all(Array.from({ length: 10 }, () => enqueue('work for 150 ms')));
    for (const id of ids) expect((await result(id)).said).toMatch(/^work/);
  });

  it('waits for its module beside its timeout', async () => {
    start({ threads: 1 }, { ...compute, timeoutMs: 100, attempts: 1 }, SLOW);
    expect(await result(await enqueue('anything'))).toBe('loaded');
  });

  it('can be cancelled while it waits for a thread', async () => {
    start({ threads: 1 });
    const [first, second] = [await enqueue('stop by signal'), await enqueue('next')];
    await active(second);
    expect(await portolan.queue.cancel(second)).toBe('asked');
    await ended(second);
    expect(await job(second)).toMatchObject({ state: 'cancelled' });
    expect(await job(first)).toMatchObject({ state: 'active' });
  });

  it('whose module takes too long to load says so', async () => {
    start({ threads: 1, loadMs: 50 }, { ...compute, attempts: 1 }, SLOW);
    const { id } = await portolan.queue.enqueue(compute, { what: 'anything' }, { attempts: 1 });
    await ended(id);
    expect((await job(id))?.error).toMatchObject({ code: 'INTERNAL' });
    expect((await job(id))?.error?.message).toMatch(/its module did not load within 50 ms$/);
  });

  it('that dies fails its attempt, and the next one has a new thread', async () => {
    start({ threads: 1 });
    const [died, waited] = await Promise.all([enqueue('die once'), enqueue('wait')]);
    await result(waited);
    expect(await result(died)).toMatchObject({ said: `die once ${died} default 2 true` });
  });

  it('that dies of an error nobody caught tells it', async () => {
    start();
    const id = await enqueue('throw later');
    await ended(id);
    const { attempts, error } = (await job(id)) ?? {};
    expect(attempts).toBe(2);
    expect(error).toMatchObject({ code: 'INTERNAL' });
    expect(error?.message).toMatch(/the thread of job compute died \(exit code 1\): nobody caught it/);
  });

  it('answers only what can be copied', async () => {
    start();
    const id = await enqueue('answer a function');
    await ended(id);
    expect(await job(id)).toMatchObject({ attempts: 1, error: { code: 'INVALID' } });
    expect((await job(id))?.error?.message).toMatch(/^the result cannot be copied to another thread/);
  });

  it('has at most so many threads, and serves all', async () => {
    start({ threads: 2 });
    const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => enqueue(`job ${n}`)));
    const threads = new Set((await Promise.all(ids.map(result))).map(({ thread }) => thread));
    expect(threads.size).toBeLessThanOrEqual(2);
  });

  it('whose module is no handler says so', async () => {
    start({}, compute, new URL('./jobs/nothing.ts', import.meta.url));
    const id = await enqueue('anything');
    await ended(id);
    expect(await job(id)).toMatchObject({ attempts: 1, error: { code: 'INVALID' } });
    expect((await job(id))?.error?.message).toMatch(/nothing\.ts: its default export is not a function/);
  });

  it('whose module is not there says so', async () => {
    start({}, compute, new URL('./jobs/missing.ts', import.meta.url));
    const id = await enqueue('anything');
    await ended(id);
    expect((await job(id))?.error?.message).toMatch(/missing\.ts/);
  });

  it('that is closed runs no more', async () => {
    start();
    await result(await enqueue('first'));
    await handler?.close();
    const id = await enqueue('late');
    await ended(id);
    expect(await job(id)).toMatchObject({ error: { code: 'UNAVAILABLE' } });
  });

  it('that waits for a thread when the handler is closed runs no more', async () => {
    start({ threads: 1 });
    const [, waiting] = [await enqueue('stop by signal'), await enqueue('next')];
    await active(waiting);
    await handler?.close();
    await ended(waiting);
    expect(await job(waiting)).toMatchObject({ error: { code: 'UNAVAILABLE' } });
  });

  it('is defined with sensible options', () => {
    expect(() => handleInThread(compute, COMPUTE, { threads: 0 })).toThrow(/threads: a whole number from 1/);
    expect(() => handleInThread(compute, COMPUTE, { graceMs: Number.NaN })).toThrow(/graceMs/);
    expect(() => handleInThread(compute, COMPUTE, { loadMs: 0 })).toThrow(/loadMs/);
  });
});
