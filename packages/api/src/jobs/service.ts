import { invalid, type JobStatus, PortolanError, type Queue } from '@portolan/core';
import type { z } from 'zod';
import { definitionOf } from './jobs.ts';
import type { KeptResults } from './results.ts';
import type { JobOutput, limitsInput, listInput, pushInput, retryManyInput } from './schema.ts';

export type JobsService = ReturnType<typeof createJobsService>;

const iso = (ms: number): string => new Date(ms).toISOString();

function present(job: JobStatus): JobOutput {
  return {
    id: job.id,
    queue: job.queue,
    name: job.name,
    state: job.state,
    progress: job.progress ?? null,
    attempts: job.attempts,
    ...(job.group === undefined ? {} : { group: job.group }),
    ...(job.result === undefined ? {} : { result: job.result }),
    ...(job.error === undefined ? {} : { error: job.error }),
    createdAt: iso(job.createdAt),
    ...(job.parent === undefined ? {} : { parent: job.parent }),
    ...(job.awaits === undefined ? {} : { awaits: job.awaits }),
    ...(job.schedule === undefined ? {} : { schedule: { id: job.schedule.id, at: iso(job.schedule.at) } }),
    ...(job.startedAt === undefined ? {} : { startedAt: iso(job.startedAt) }),
    ...(job.finishedAt === undefined ? {} : { finishedAt: iso(job.finishedAt) }),
    ...(job.unknownKey === undefined ? {} : { unknownKey: job.unknownKey }),
  };
}

/** Jobs and the queues they wait in. */
export function createJobsService(queue: Queue, results: KeptResults) {
  const unknownJob = (id: string) => new PortolanError('NOT_FOUND', `job ${id} does not exist, or is no longer kept`);

  async function amend(id: string, outcome: Promise<string>): Promise<{ outcome: 'done' | 'asked' }> {
    const answer = await outcome;
    if (answer === 'missing') throw unknownJob(id);
    if (answer === 'refused') throw new PortolanError('CONFLICT', `job ${id} is in a state that does not allow this`);
    return { outcome: answer === 'asked' ? 'asked' : 'done' };
  }

  return {
    /** The job with its result: the kept one where there is one, also when the queue no longer has the job. */
    async get(id: string): Promise<JobOutput> {
      const job = await queue.get(id);
      if (job && job.state !== 'completed') return present(job);
      const kept = await results.get(id);
      if (job) return kept ? { ...present(job), result: kept.result } : present(job);
      if (!kept) throw unknownJob(id);
      return {
        id,
        queue: id.slice(0, id.lastIndexOf(':')),
        name: kept.name,
        state: 'completed',
        progress: null,
        attempts: kept.attempts,
        result: kept.result,
        createdAt: iso(kept.createdAt),
        finishedAt: iso(kept.finishedAt),
      };
    },
    async push({ queue: name, name: jobName, data, ...options }: z.output<typeof pushInput>) {
      const { id } = await queue.enqueue(definitionOf(jobName), data, { queue: name, ...options });
      return { jobId: id };
    },
    async logs(id: string) {
      const lines = await queue.logs(id);
      if (!lines) throw unknownJob(id);
      return { logs: lines.map(({ at, line }) => ({ at: iso(at), line })) };
    },
    cancel: (id: string) => amend(id, queue.cancel(id)),
    /** `data`: what it runs with instead of what it had; undefined for the same. */
    async retry(id: string, data: unknown) {
      if (data === undefined) return amend(id, queue.retry(id));
      const job = await queue.get(id);
      if (!job) throw unknownJob(id);
      return amend(id, queue.retry(id, { job: definitionOf(job.name), data }));
    },
    async retryMany({ queue: name, state = 'failed', ids }: z.output<typeof retryManyInput>) {
      if (!ids) return queue.retryAll(name, { state });
      const stray = ids.findIndex((id) => !id.startsWith(`${name}:`));
      if (stray >= 0) throw invalid(`job ${ids[stray]} is not of queue ${name}`);
      return queue.retryMany(ids);
    },
    async list({ queue: name, state, cursor, limit }: z.output<typeof listInput>) {
      const page = await queue.list({ queue: name, state, cursor: cursor ?? null, limit: limit ?? 50 });
      return { jobs: page.jobs.map(present), cursor: page.cursor };
    },
    queues: async () => ({ queues: [...(await queue.queues())] }),
    async pause(name: string) {
      await queue.pause(name);
      return { outcome: 'done' as const };
    },
    async limit({ queue: name, ...limits }: z.output<typeof limitsInput>) {
      await queue.limit(name, limits);
      return { outcome: 'done' as const };
    },
    async resume(name: string) {
      await queue.resume(name);
      return { outcome: 'done' as const };
    },
  };
}
