import { type ChildOutcome, decodePart } from './flow-part.ts';
import { jobId, parseJobId } from './job-envelope.ts';
import { type JobStatus, toJobStatus } from './job-status.ts';
import type { QueuePort } from './ports/queue.ts';
import type { JobRecord, JobState } from './ports/queue-inspect.ts';

/** A child as it is now: its outcome as far as the parent has it, else the state of the job. */
export interface ChildStatus extends Omit<ChildOutcome, 'state'> {
  /** `missing` for one that is neither told nor kept. */
  readonly state: JobState | 'missing';
}

const PAGE = 100;
const MAX_JOBS = 500;

/** The parts that stand with a job, by name. A round trip for every hundred, and one for each queue that holds results too large to be handed up. */
export async function readParts(port: QueuePort, queue: string, local: string): Promise<Record<string, ChildOutcome>> {
  const found = new Map<string, ChildOutcome>();
  const large: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await port.inspect({ of: 'parts', queue, id: local, cursor, limit: PAGE });
    for (const { part, text } of page.parts ?? []) {
      const decoded = decodePart(text);
      found.set(part, decoded.outcome);
      if (decoded.large) large.push(decoded.outcome.id);
    }
    cursor = page.cursor;
  } while (cursor !== null);
  const kept = await readJobs(port, large);
  return Object.fromEntries(
    [...found].map(([part, outcome]) => {
      const result = outcome.state === 'completed' ? kept.get(outcome.id)?.result : undefined;
      return [part, result === undefined ? outcome : { ...outcome, result }];
    }),
  );
}

/** Every child of a job, whose ids its envelope tells. */
export async function readChildren(
  port: QueuePort,
  queue: string,
  local: string,
  children: Readonly<Record<string, string>>,
): Promise<Record<string, ChildStatus>> {
  const parts = await readParts(port, queue, local);
  const open = Object.entries(children).filter(([key]) => !Object.hasOwn(parts, key));
  const jobs = await readJobs(
    port,
    open.map(([, id]) => id),
  );
  const statuses = Object.entries(children).map(([key, id]): [string, ChildStatus] => {
    if (Object.hasOwn(parts, key)) return [key, parts[key] as ChildOutcome];
    const job = jobs.get(id);
    if (!job) return [key, { id, state: 'missing' }];
    const { state, result, error } = job;
    return [key, { id, state, ...(result === undefined ? {} : { result }), ...(error === undefined ? {} : { error }) }];
  });
  return Object.fromEntries(statuses);
}

async function readJobs(port: QueuePort, ids: readonly string[]): Promise<ReadonlyMap<string, JobStatus>> {
  const records = await readRecords(port, ids);
  return new Map([...records].map(([id, record]) => [id, toJobStatus(parseJobId(id).queue, record)]));
}

/** Those of these jobs that are kept, by id. A round trip for each queue and 500 jobs. */
export async function readRecords(port: QueuePort, ids: readonly string[]): Promise<ReadonlyMap<string, JobRecord>> {
  const queues = Map.groupBy(ids.map(parseJobId), ({ queue }) => queue);
  const looks = [...queues].flatMap(([queue, some]) => {
    const locals = some.map(({ local }) => local);
    return Array.from({ length: Math.ceil(locals.length / MAX_JOBS) }, async (_, at) => {
      const page = locals.slice(at * MAX_JOBS, (at + 1) * MAX_JOBS);
      const { jobs } = await port.inspect({ of: 'jobs', queue, ids: page });
      return jobs.map((record): [string, JobRecord] => [jobId(queue, record.id), record]);
    });
  });
  return new Map((await Promise.all(looks)).flat());
}
