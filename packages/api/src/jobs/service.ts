import { invalid, type JobEvent, type JobStatus, PortolanError, type Queue, type Runtime } from '@portolan/core';
import type { z } from 'zod';
import { openStream } from '../stream.ts';
import { definitionOf } from './jobs.ts';
import type { KeptResults } from './results.ts';
import type {
  eventsInput,
  JobOutput,
  limitsInput,
  listInput,
  pushInput,
  pushManyInput,
  retryManyInput,
} from './schema.ts';

export type JobsService = ReturnType<typeof createJobsService>;

const iso = (ms: number): string => new Date(ms).toISOString();

/** Without the data, of which a page of jobs might have 125 MiB. */
function present(job: JobStatus): JobOutput {
  return {
    id: job.id,
    queue: job.queue,
    name: job.name,
    state: job.state,
    progress: job.progress ?? null,
    attempts: job.attempts,
    priority: job.priority,
    ...(job.group === undefined ? {} : { group: job.group }),
    ...(job.result === undefined ? {} : { result: job.result }),
    ...(job.error === undefined ? {} : { error: job.error }),
    createdAt: iso(job.createdAt),
    ...(job.parent === undefined ? {} : { parent: job.parent }),
    ...(job.awaits === undefined ? {} : { awaits: job.awaits }),
    ...(job.schedule === undefined ? {} : { schedule: { id: job.schedule.id, at: iso(job.schedule.at) } }),
    ...(job.dueAt === undefined ? {} : { dueAt: iso(job.dueAt) }),
    ...(job.startedAt === undefined ? {} : { startedAt: iso(job.startedAt) }),
    ...(job.finishedAt === undefined ? {} : { finishedAt: iso(job.finishedAt) }),
    ...(job.unknownKey === undefined ? {} : { unknownKey: job.unknownKey }),
  };
}

/** The id of a streamed message is its place in the stream; the job's goes by its name. */
function presentEvent({ id, queue: _, ...event }: JobEvent) {
  return { job: id, ...event };
}

/** Jobs and the queues they wait in. */
export function createJobsService(queue: Queue, results: KeptResults, runtime: Pick<Runtime, 'sleep'>) {
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
      const shown = job && { ...present(job), data: job.data };
      if (shown && shown.state !== 'completed') return shown;
      const kept = await results.get(id);
      if (shown) return kept ? { ...shown, result: kept.result } : shown;
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
    async pushMany({ queue: name, name: jobName, jobs }: z.output<typeof pushManyInput>) {
      const list = jobs.map(({ data, ...options }) => ({ data, options: { queue: name, ...options } }));
      const made = await queue.enqueueMany(definitionOf(jobName), list);
      return { jobIds: made.map(({ id }) => id) };
    },
    async logs(id: string) {
      const lines = await queue.logs(id);
      if (!lines) throw unknownJob(id);
      return { logs: lines.map(({ at, line }) => ({ at: iso(at), line })) };
    },
    /** Live events, after those that a resuming client missed; ends when the signal aborts. Throws INVALID before anything is streamed. */
    async events({ queue: name, lastEventId, after }: z.output<typeof eventsInput>, signal: AbortSignal) {
      const subscription = queue.events(name, { after: lastEventId || after || 'end', signal });
      return openStream(subscription, presentEvent, runtime, signal);
    },
    cancel: (id: string) => amend(id, queue.cancel(id)),
    promote: (id: string) => amend(id, queue.promote(id)),
    remove: (id: string) => amend(id, queue.remove(id)),
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
