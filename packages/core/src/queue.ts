import { errorAt, invalid, PortolanError } from './errors.ts';
import { type EnqueuedFlow, type Kinship, planFlow } from './flow.ts';
import { readChildren } from './flow-children.ts';
import { deliverOwed } from './flow-deliver.ts';
import { checkMendable, releaseParent } from './flow-mend.ts';
import { checkAttempts, checkPriority, type JobDefinition } from './job.ts';
import { decodeEnvelope, encodeEnvelope, jobId, parseJobId } from './job-envelope.ts';
import type { JobEvents } from './job-events.ts';
import { type JobStatus, toJobStatus, toLogLine } from './job-status.ts';
import { waitersOf } from './job-waiters.ts';
import { checkKey, checkName } from './names.ts';
import type { QueuePort } from './ports/queue.ts';
import type { Amended, Amendment } from './ports/queue-amend.ts';
import type { JobRecord } from './ports/queue-inspect.ts';
import type { NewJob, PushedJob } from './ports/queue-push.ts';
import type { Enqueued, EnqueueOptions, Queue } from './queue-contract.ts';
import { checkGroup, checkQueueLimits } from './queue-limits.ts';
import { amendMany, retryAll } from './queue-many.ts';
import { createQueueProducer } from './queue-producer.ts';
import { awaitResult, type ResultSources } from './queue-result.ts';
import { MAX_DELAY_MS } from './retry-policy.ts';
import type { Runtime } from './runtime.ts';
import { createSchedules } from './schedules.ts';
import { decodeJson, encodeJson, parse, survivesJson } from './schema.ts';

export interface QueueOptions {
  readonly port: QueuePort;
  readonly runtime: Runtime;
  /** Largest data of a job as JSON in bytes; 256 KiB if not said. */
  readonly maxPayloadBytes?: number;
  /** What happens to jobs, in whatever process; without it there is no `events`, and `result` polls. */
  readonly events?: JobEvents | undefined;
}

export function createQueue({ port, runtime, maxPayloadBytes = 256 * 1024, events }: QueueOptions): Queue {
  const producer = createQueueProducer(port, runtime);
  const waiters = waitersOf(port);

  /** Checked, as JSON. */
  async function payloadOf(job: JobDefinition, data: unknown): Promise<string> {
    const what = `input of job ${job.name}`;
    await parse(job.input, data, what);
    const text = encodeJson(data, what);
    if (text.length * 3 > maxPayloadBytes && Buffer.byteLength(text) > maxPayloadBytes) {
      throw new PortolanError('TOO_LARGE', `${what}: more than ${maxPayloadBytes} bytes of JSON`);
    }
    // What its handler will be given is the text alone.
    if (!survivesJson(data)) await parse(job.input, decodeJson(text, what), `${what}, as JSON keeps it`);
    return text;
  }

  async function prepare(
    job: JobDefinition,
    data: unknown,
    options: EnqueueOptions,
    kin?: Kinship,
  ): Promise<[string, NewJob]> {
    const queue = checkName(options.queue ?? job.queue, 'queue');
    const text = await payloadOf(job, data);
    const { id, delayMs = 0, dedupeKey, dedupe, group } = options;
    if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS)) throw invalid('delayMs: must lie between 0 and ten years');
    if (dedupe !== undefined && dedupeKey === undefined) throw invalid('dedupe: there must be a dedupeKey');
    if (dedupe !== undefined) checkOneOf('dedupe', dedupe, ['keep', 'replace', 'debounce']);
    const attempts = checkAttempts(options.attempts ?? job.attempts, `job ${job.name}`);
    const head = { name: job.name, attempts, createdAt: runtime.clock.now(), version: job.version };
    const children = kin?.children;
    const made: NewJob = {
      id: kin?.local ?? (id === undefined ? runtime.id() : checkName(id, 'id')),
      body: encodeEnvelope(children ? { ...head, children } : head, text),
      priority: checkPriority(options.priority ?? job.priority, `job ${job.name}`),
      delayMs: Math.round(delayMs),
      ...(dedupeKey === undefined ? {} : { dedupeKey: checkKey(dedupeKey, 'dedupeKey') }),
      ...(dedupe === undefined ? {} : { dedupe }),
      ...(group === undefined ? {} : { group: checkGroup(group) }),
      ...(children === undefined ? {} : { awaits: Object.keys(children).length }),
      ...(kin?.parent === undefined ? {} : { parent: kin.parent }),
    };
    return [queue, made];
  }

  async function find(queue: string, local: string): Promise<JobRecord | undefined> {
    return (await port.inspect({ of: 'jobs', queue, ids: [local] })).jobs[0];
  }

  async function get(id: string): Promise<JobStatus | undefined> {
    const { queue, local } = parseJobId(id);
    const record = await find(queue, local);
    return record && toJobStatus(queue, record);
  }

  async function retryAnew(id: string, job: JobDefinition, data: unknown): Promise<Amended> {
    const { queue, local } = parseJobId(id);
    const text = await payloadOf(job, data);
    const record = await find(queue, local);
    if (!record) return 'missing';
    const { data: _, ...head } = decodeEnvelope(record.body, `job ${id}`);
    if (head.name !== job.name) throw invalid(`job ${id}: it is a ${head.name}, and the data is of a ${job.name}`);
    await checkMendable(port, queue, record);
    const body = encodeEnvelope({ ...head, version: job.version }, text);
    return port.amend(queue, { do: 'retry', id: local, body });
  }

  async function amend(id: string, change: 'cancel' | 'retry' | 'remove' | 'promote'): Promise<Amended> {
    const { queue, local } = parseJobId(id);
    const amendment: Amendment = { do: change, id: local };
    if (change === 'retry' || change === 'remove') {
      const record = await find(queue, local);
      if (!record) return 'missing';
      await (change === 'retry' ? checkMendable : releaseParent)(port, queue, record);
    }
    const amended = await port.amend(queue, amendment);
    // What it now owes is brought to its parent at once, or by the next sweep.
    if (amended === 'done' && (change === 'cancel' || change === 'remove'))
      await deliverOwed(port, queue).catch(() => null);
    return amended;
  }

  /** What only `cancel` can be answered. */
  const plain = (amended: Amended): 'done' | 'refused' | 'missing' => (amended === 'asked' ? 'refused' : amended);

  return {
    async enqueue(job, data, options = {}) {
      const [queue, made] = await prepare(job, data, options);
      return toEnqueued(queue, made.id, options, await producer.push(queue, made));
    },
    async enqueueMany(job, list) {
      const prepared = await allOf(list.map(({ data, options = {} }) => prepare(job, data, options)));
      return Promise.all(
        prepared.map(async ([queue, made], at) =>
          toEnqueued(queue, made.id, list[at]?.options, await producer.push(queue, made)),
        ),
      );
    },
    async enqueueFlow(flow) {
      const make = async (...parts: Parameters<typeof prepare>) => (await prepare(...parts))[1];
      const { ids, steps } = await planFlow(flow, make, () => runtime.id());
      for (const step of steps) await Promise.all(step.map(({ queue, jobs }) => producer.pushTogether(queue, jobs)));
      return ids as EnqueuedFlow<typeof flow>;
    },
    async children(id) {
      const { queue, local } = parseJobId(id);
      const [record] = (await port.inspect({ of: 'jobs', queue, ids: [local] })).jobs;
      if (!record) return undefined;
      const { children } = decodeEnvelope(record.body, `job ${id}`);
      return children ? readChildren(port, queue, local, children) : {};
    },
    get,
    async logs(id) {
      const { queue, local } = parseJobId(id);
      return (await port.inspect({ of: 'logs', queue, id: local })).logs?.map(toLogLine);
    },
    async result(id, options = {}) {
      const { queue, local } = parseJobId(id);
      const sources: ResultSources = {
        get: () => get(id),
        listen: (told) => waiters.wait(queue, local, told),
        watch: events && ((wake) => events.watch(queue, local, wake)),
        served: waiters.serves(queue),
      };
      return awaitResult(sources, id, runtime, options);
    },
    events(queue, options) {
      if (!events) throw invalid('events of jobs are not configured here');
      return events.subscribe(checkName(queue, 'queue'), options);
    },
    async cancel(id) {
      const amended = await amend(id, 'cancel');
      if (amended === 'done') events?.publish({ type: 'cancelled', id, queue: parseJobId(id).queue });
      return amended === 'done' ? 'cancelled' : amended;
    },
    retry: async (id, anew) => plain(await (anew ? retryAnew(id, anew.job, anew.data) : amend(id, 'retry'))),
    async retryMany(ids) {
      const { done, ...others } = await amendMany(port, 'retry', ids);
      return { retried: done, ...others };
    },
    retryAll: async (queue, options = {}) => retryAll(port, checkName(queue, 'queue'), options),
    remove: async (id) => plain(await amend(id, 'remove')),
    async removeMany(ids) {
      const { done, ...others } = await amendMany(port, 'remove', ids);
      return { removed: done, ...others };
    },
    promote: async (id) => plain(await amend(id, 'promote')),
    pause: async (queue) => void (await port.amend(checkName(queue, 'queue'), { do: 'pause' })),
    resume: async (queue) => void (await port.amend(checkName(queue, 'queue'), { do: 'resume' })),
    async limit(queue, limits) {
      await port.amend(checkName(queue, 'queue'), { do: 'limit', limits: checkQueueLimits(limits) });
    },
    async list({ queue, state, cursor = null, limit = 50 }) {
      checkName(queue, 'queue');
      checkOneOf('state', state, ['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled']);
      if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw invalid('limit: a whole number from 1 to 500');
      if (cursor !== null && !/^\d{1,15}$/.test(cursor)) throw invalid('cursor: not one of this list');
      const page = await port.inspect({ of: 'state', queue, state, cursor, limit });
      return { jobs: page.jobs.map((record) => toJobStatus(queue, record)), cursor: page.cursor };
    },
    ...createSchedules(port, prepare),
    queues: async () => (await port.inspect({ of: 'queues' })).queues,
  };
}

function checkOneOf<T extends string>(field: string, value: T, all: readonly T[]): void {
  if (!all.includes(value)) throw invalid(`${field}: one of ${all.join(', ')}`);
}

/** An id that was made here is new, so a push that answers it made the job, even when it had to be repeated. */
function toEnqueued(queue: string, local: string, options: EnqueueOptions = {}, stands: PushedJob): Enqueued {
  return { id: jobId(queue, stands.id), created: stands.id === local && (options.id === undefined || stands.created) };
}

/** All of them; else the first of the list that failed, with its place. */
async function allOf<T>(entries: readonly Promise<T>[]): Promise<T[]> {
  try {
    return await Promise.all(entries);
  } catch (first) {
    for (const [at, entry] of entries.entries()) {
      await entry.catch((error: unknown) => {
        throw errorAt(['list', at], error);
      });
    }
    throw first;
  }
}
