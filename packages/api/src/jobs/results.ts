import { type Collection, defineCollection, type JobContext } from '@portolan/core';
import { z } from 'zod';

const DAY_MS = 86_400_000;

const keptResult = z.object({
  name: z.string(),
  attempts: z.int(),
  createdAt: z.number(),
  finishedAt: z.number(),
  result: z.unknown(),
});
type KeptResult = z.output<typeof keptResult>;

export const keptResultsCollection = defineCollection({
  name: 'job-results',
  schema: keptResult,
  ttlMs: DAY_MS,
  maxBytes: 8 * 1024 * 1024,
});

/**
 * Results too large for the queue, or wanted for longer than it keeps its records. A result stands here before its job is completed, so
 * a completed job always has it.
 */
export interface KeptResults {
  keep(name: string, job: Pick<JobContext, 'id' | 'attempt' | 'createdAt'>, result: unknown): Promise<void>;
  get(jobId: string): Promise<KeptResult | undefined>;
}

export function createKeptResults(collection: Collection<KeptResult>, now: () => number): KeptResults {
  return {
    async keep(name, { id, attempt, createdAt }, result) {
      await collection.put(id, { name, attempts: attempt, createdAt, finishedAt: now(), result });
    },
    get: async (jobId) => (await collection.get(jobId))?.value,
  };
}
