import { z } from 'zod';

export const idInput = z.strictObject({ id: z.string().min(1).max(300) });

export const retryInput = z.strictObject({
  ...idInput.shape,
  data: z.unknown().optional().describe('what it runs with; what it had unless told'),
});

export const jobState = z.enum(['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled']);
export const jobOutput = z.object({
  id: z.string(),
  queue: z.string(),
  name: z.string(),
  state: jobState,
  progress: z.unknown(),
  attempts: z.int().describe('runs started so far'),
  priority: z.int().optional().describe('not of a job of which only the result is still kept'),
  group: z.string().optional(),
  data: z.unknown().optional().describe('what it runs with, as stored; in no list'),
  result: z.unknown().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  createdAt: z.string(),
  parent: z.string().optional().describe('the job that waits for this one'),
  awaits: z.int().optional().describe('how many children have yet to finish before it runs'),
  schedule: z
    .object({ id: z.string(), at: z.string() })
    .optional()
    .describe('of a job that a schedule made: which, and the time of the tick'),
  dueAt: z.string().optional().describe('of a delayed job that does not wait for children'),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  unknownKey: z.string().optional().describe('a payload key that the server lacks: what it encrypts is left out'),
});
export type JobOutput = z.output<typeof jobOutput>;

export const logsOutput = z.object({ logs: z.array(z.object({ at: z.string(), line: z.string() })) });

const queue = z.string().min(1).max(128);
const name = z.string().min(1).max(128).describe('a job the workers know');
const pushed = {
  data: z.unknown(),
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/)
    .optional()
    .describe('the job becomes QUEUE:ID; one of that id that is still kept stands for it, so the call may be repeated'),
  delayMs: z.int().min(0).optional(),
  priority: z.int().min(-1_000).max(1_000).optional().describe('higher runs first; 0 unless told'),
  attempts: z.int().min(1).max(100).optional().describe('runs allowed'),
  dedupeKey: z.string().min(1).max(512).optional().describe('while an unfinished job has this key, its id is answered'),
  dedupe: z
    .enum(['keep', 'replace', 'debounce'])
    .optional()
    .describe('of data that comes for a held key: drop it, run it instead, or that and begin the delay again'),
  group: z.string().min(1).max(256).optional().describe('shares the limits that the queue sets for each group'),
};
export const pushInput = z.strictObject({ queue, name, ...pushed });
export const pushedOutput = z.object({ jobId: z.string() });
export const pushManyInput = z.strictObject({
  queue,
  name,
  jobs: z.array(z.strictObject(pushed)).min(1).max(1_000),
});
export const pushedManyOutput = z.object({ jobIds: z.array(z.string()).describe('in the order of the jobs') });
export const outcomeOutput = z.object({ outcome: z.enum(['done', 'asked']) });
export const retryManyInput = z
  .strictObject({
    queue,
    state: z.enum(['failed', 'cancelled']).optional().describe('all jobs in this state; failed unless told'),
    ids: z.array(z.string().min(1).max(300)).min(1).max(1_000).optional().describe('these jobs of the queue alone'),
  })
  .refine(({ state, ids }) => state === undefined || ids === undefined, { error: 'give state or ids', path: ['ids'] });
export const retriedOutput = z.object({
  retried: z.int(),
  missing: z.int().describe('never were, or are no longer kept'),
  refused: z.int().describe('had neither failed nor been cancelled'),
});
export const queueInput = z.strictObject({ queue });
export const eventsInput = z.strictObject({
  queue,
  lastEventId: z.string().max(64).nullish().describe('resumes behind this event'),
  after: z.string().max(64).optional().describe('start, end or the id of an event; end unless told'),
});
const runLimits = {
  concurrency: z.int().min(1).max(1_000_000).optional().describe('jobs that run at a time, in all workers together'),
  rate: z
    .strictObject({
      count: z.int().min(1).max(1_000_000),
      ms: z
        .int()
        .min(1)
        .max(366 * 86_400_000),
    })
    .optional()
    .describe('at most `count` jobs start within a window of `ms`, which begins with the first of them'),
};
const limits = {
  ...runLimits,
  group: z.strictObject(runLimits).optional().describe('what holds for the jobs of each group by themselves'),
};
export const limitsInput = z.strictObject({ queue, ...limits });
export const queuesOutput = z.object({
  queues: z.array(
    z.object({
      queue: z.string(),
      paused: z.boolean(),
      limits: z.object(limits).nullable(),
      counts: z.record(jobState, z.int()),
    }),
  ),
});
export const listInput = z.strictObject({
  queue,
  state: jobState,
  cursor: z.string().nullish(),
  limit: z.int().min(1).max(500).optional(),
});
export const listOutput = z.object({ jobs: z.array(jobOutput), cursor: z.string().nullable() });
