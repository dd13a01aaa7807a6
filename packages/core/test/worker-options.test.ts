import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../src/job.ts';
import type { QueuePort } from '../src/ports/queue.ts';
import { createRuntime } from '../src/runtime.ts';
import { handle } from '../src/worker/handler.ts';
import { createWorker } from '../src/worker/worker.ts';

const job = defineJob({ name: 'any', input: z.any(), output: z.any() });
const create = (options: object) =>
  createWorker({ port: {} as QueuePort, runtime: createRuntime(), handlers: [handle(job, () => null)], ...options });
const kept = (count: unknown, ms: unknown = 1) => ({ count, ms });

describe('the options of a worker', () => {
  it.each([
    ['concurrency', { concurrency: 0 }],
    ['leaseMs', { leaseMs: 29 }],
    ['leaseMs', { leaseMs: 100.7 }],
    ['leaseMs', { leaseMs: Number.POSITIVE_INFINITY }],
    ['maxStalls', { maxStalls: Number.NaN }],
    ['maxStalls', { maxStalls: -1 }],
    ['retention.completed.count', { retention: { completed: kept(Number('1_000')), failed: kept(1) } }],
    ['retention.completed.ms', { retention: { completed: kept(1, -5), failed: kept(1) } }],
    ['retention.failed.count', { retention: { completed: kept(1), failed: kept(10.5) } }],
    ['retention.failed.ms', { retention: { completed: kept(1), failed: kept(1, null) } }],
    ['retention.failed.count', { retention: { completed: kept(1) } }],
    ['idleMs', { idleMs: Number.NaN }],
    ['maxResultBytes', { maxResultBytes: -1 }],
    ['queues', { queues: [] }],
    ['queues', { queues: 'default' }],
    ['queues[1]', { queues: ['default', 'no good'] }],
    ['queues[0]', { queues: [5] }],
  ])('are refused for their %s: %j', (field, options) => {
    const message = expect.stringContaining(field);
    expect(() => create(options)).toThrow(expect.objectContaining({ code: 'INVALID', message }));
  });

  it('may keep nothing, and be left to their defaults', () => {
    const nothing = kept(0, 0);
    expect(create({ retention: { completed: nothing, failed: nothing }, maxStalls: 0 }).concurrency).toBe(50);
    expect(create({ leaseMs: undefined, queues: undefined, concurrency: undefined }).concurrency).toBe(50);
  });
});
