import { defineJob, type Handler, handle, type JobDefinition, PortolanError } from '@portolan/core';
import { z } from 'zod';
import { fetchPageJob } from '../pages/jobs.ts';

/** Answers what it was given: the smallest job there is, to try a queue with. */
const echoJob = defineJob({ name: 'echo', input: z.unknown(), output: z.unknown() });

/** Works for a while, reports progress and logs it: `steps` times `stepMs`. `failAt` makes that step of the first attempt fail. */
const countJob = defineJob({
  name: 'count',
  input: z.strictObject({
    steps: z.int().min(1).max(1_000),
    stepMs: z.int().min(0).max(60_000).default(100),
    failAt: z.int().min(1).optional(),
  }),
  output: z.object({ counted: z.int(), attempt: z.int() }),
  timeoutMs: 600_000,
  backoff: { kind: 'fixed', delayMs: 200 },
});

/** Answers what its children answered, by their names, or how they ended without an answer: the smallest parent of a flow. */
const gatherJob = defineJob({
  name: 'gather',
  input: z.unknown(),
  output: z.record(z.string(), z.unknown()),
});

/** The jobs that any worker runs. Those of the features stand with their features. */
export function builtInHandlers(sleep: (ms: number, signal: AbortSignal) => Promise<void>): Handler[] {
  return [
    handle(echoJob, async (data) => data),
    handle(gatherJob, async (_, { children }) => {
      const outcomes = Object.entries(await children());
      return Object.fromEntries(outcomes.map(([name, { state, result }]) => [name, result ?? state]));
    }),
    handle(countJob, async ({ steps, stepMs, failAt }, { attempt, signal, progress, log }) => {
      for (let step = 1; step <= steps; step++) {
        if (step === failAt && attempt === 1) {
          throw new PortolanError('UNAVAILABLE', `step ${step} fails at the first attempt, as asked`);
        }
        await sleep(stepMs, signal);
        signal.throwIfAborted();
        await progress({ step, of: steps });
        log(`step ${step} of ${steps}`);
      }
      return { counted: steps, attempt };
    }),
  ];
}

/** Every job that may be pushed by name. */
const JOBS: ReadonlyMap<string, JobDefinition> = new Map(
  [echoJob, countJob, gatherJob, fetchPageJob].map((job): [string, JobDefinition] => [job.name, job]),
);

/** Throws NOT_FOUND for a name that nobody knows. */
export function definitionOf(name: string): JobDefinition {
  const job = JOBS.get(name);
  if (!job) throw new PortolanError('NOT_FOUND', `job ${name} is unknown; known are ${[...JOBS.keys()].join(', ')}`);
  return job;
}
