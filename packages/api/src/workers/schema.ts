import { z } from 'zod';

export const state = z
  .enum(['running', 'quiet', 'stopping'])
  .describe('quiet: takes no jobs until it is told to resume; stopping: ends when what it runs has ended');

/** What one worker runs, as it says itself: no more than fits into an answer. */
export const worker = z.object({
  state,
  concurrency: z.int().describe('jobs at a time'),
  queues: z.array(z.string()).describe('that it serves now; the first 100'),
  active: z.int().describe('jobs that it runs now'),
  jobs: z
    .array(z.object({ id: z.string(), name: z.string(), queue: z.string(), runningMs: z.number() }))
    .describe('of those, the 100 that run longest'),
});

export const listOutput = z.object({
  workers: z.array(z.object({ instance: z.string(), host: z.string(), pid: z.int() }).extend(worker.shape)),
  missing: z
    .array(z.string())
    .describe('instances that are alive and did not answer within two seconds: a worker whose handler blocks it, say'),
});
