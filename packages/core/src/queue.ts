import { invalid, PortolanError } from './errors.ts';
import { type CheckedFlow, type EnqueuedFlow, type FlowNode, type Kinship, planFlow } from './flow.ts';
import { type ChildStatus, readChildren } from './flow-children.ts';
import { deliverOwed } from './flow-deliver.ts';
import { checkAttempts, checkPriority, type JobDefinition } from './job.ts';
import { decodeEnvelope, encodeEnvelope, jobId, parseJobId } from './job-envelope.ts';

import { type JobStatus, toJobStatus, toLogLine } from './job-status.ts';
import { waitersOf } from './job-waiters.ts';

import { checkKey, checkName } from './names.ts';
import type { QueuePort } from './ports/queue.ts';
import type { Amended, Amendment } from './ports/queue-amend.ts';
import type { JobRecord, JobState, QueueSummary } from './ports/queue-inspect.ts';
import type { QueueLimits } from './ports/queue-limits.ts';
import type { JobLogLine } from './ports/queue-logs.ts';
import type { DedupeMode, NewJob } from './ports/queue-push.ts';
import { checkGroup, checkQueueLimits } from './queue-limits.ts';
import { amendMany, type RemovedMany, type RetriedMany, type RetryAllOptions, retryAll } from './queue-many.ts';
import { createQueueProducer } from './queue-producer.ts';
import { awaitResult, type ResultOptions } from './queue-result.ts';
import { MAX_DELAY_MS } from './retry-policy.ts';
import type { Runtime } from './runtime.ts';
import { createSchedules, type Schedules } from './schedules.ts';
import { encodeJson, type InputOf, parse, type Schema } from './schema.ts';

export interface QueueOptions {
  readonly port: QueuePort;
  readonly runtime: Runtime;
  /** Largest data of a job as JSON in bytes; 256 KiB if not said. */
  readonly maxPayloadBytes?: number;
}

export interface EnqueueOptions {
  /** Instead of the definition's. */
  readonly queue?: string;
  /** ms to wait before the job may run. */
  readonly delayMs?: number;
  readonly priority?: number;
  readonly attempts?: number;
  /** While an unfinished job of the queue holds this key, no second one is made: the answer names the first. */
  readonly dedupeKey?: string;
  /**
   * What becomes of the data when the key is held. `keep`, if not said: it is dropped. `replace`: a job that waits or is delayed runs with it instead of
   * its own; if the job runs already, a new one is made that holds the key from then on, so the newest data always runs. `debounce`: as `replace`, and the
   * wait of a delayed job begins again with `delayMs`. The job keeps its priority and group.
   */
  readonly dedupe?: DedupeMode;
  /** Jobs of one group, a tenant's say, share the limits that the queue sets for each group. 1 to 256 characters. */
  readonly group?: string;
}

export interface Enqueued {
  readonly id: string;
  /** False when the dedupe key stands for another job already. */
  readonly created: boolean;
}

export interface JobPage {
  readonly jobs: readonly JobStatus[];
  readonly cursor: string | null;
}

/** Producer and administration of all queues of a backend. Every method throws UNAVAILABLE or TIMEOUT while the store is away. */
export interface Queue extends Schedules {
  /**
   * Stores a job; it is safe once this resolves. INVALID with field paths for wrong data, TOO_LARGE for too much of it, CONFLICT for a queue that would
   * be one more than the 1,000 there may be at a time. Concurrent calls share round trips.
   */
  enqueue<I extends Schema>(job: JobDefinition<I>, data: InputOf<I>, options?: EnqueueOptions): Promise<Enqueued>;
  /** All data is checked before the first job is stored; stored in chunks of 500, each all or nothing. Answers in the order of the list. */
  enqueueMany<I extends Schema>(
    job: JobDefinition<I>,
    list: readonly { readonly data: InputOf<I>; readonly options?: EnqueueOptions }[],
  ): Promise<Enqueued[]>;
  /**
   * Stores a job together with the jobs it waits for, and those with theirs: a tree of up to 1,000 jobs, 10 deep, in any queues. A job with children runs
   * when all of them have finished, and its handler finds their outcomes with `context.children()`. Errors as for `enqueue`, and all data is checked before
   * the first job is stored.
   *
   * Children are stored before their parents. What is in one queue is stored in one step, all or nothing, up to 500 jobs; a flow over several queues whose
   * storing breaks off leaves children that run for nobody.
   */
  enqueueFlow<const N extends FlowNode>(flow: N & CheckedFlow<N>): Promise<EnqueuedFlow<N>>;
  /** How the children of a job stand, by name; empty for one that has none, undefined for one that is not known. */
  children(id: string): Promise<Readonly<Record<string, ChildStatus>> | undefined>;
  /** Undefined for a job that never was, or is no longer kept. */
  get(id: string): Promise<JobStatus | undefined>;
  /** What the runs of a job have logged, the oldest line first; at most the last 100. Undefined as for `get`. */
  logs(id: string): Promise<readonly JobLogLine[] | undefined>;
  /**
   * The job's result, waited for. Throws the job's error when it failed, CANCELLED, NOT_FOUND, TIMEOUT after `timeoutMs` (30 s if not said),
   * or CANCELLED when the signal aborts. A store that is away meanwhile is waited for too. Where the worker is of this process and uses the same port, it
   * is told as soon as the store has confirmed the end; else it is polled for, from every 10 ms to every second.
   */
  result(id: string, options?: ResultOptions): Promise<unknown>;
  /** `asked`: the worker that runs it is told within seconds. `refused`: it had finished. Its children, if it waits for some, are left alone. */
  cancel(id: string): Promise<'cancelled' | 'asked' | 'refused' | 'missing'>;
  /**
   * Runs a failed or cancelled job again, counted from its first attempt; with other data if told, which is checked as by `enqueue`. INVALID for data of
   * another kind of job. Its parent, if that has failed over it, stays failed until it is retried itself; the order does not matter: a parent runs again once no
   * outcome of its children fails it.
   */
  retry<I extends Schema>(
    id: string,
    anew?: { readonly job: JobDefinition<I>; readonly data: InputOf<I> },
  ): Promise<'done' | 'refused' | 'missing'>;
  /** `retry` for each. Throws INVALID, with nothing done, when one is no job id. A store that goes away ends it part way: say it again, it does none twice. */
  retryMany(ids: readonly string[]): Promise<RetriedMany>;
  /**
   * Retries what has failed (or was cancelled) before the call, the newest first and in pages; what fails meanwhile stays. A store that goes away ends it
   * part way. A round trip for each job, 100 under way at a time.
   */
  retryAll(queue: string, options?: RetryAllOptions): Promise<RetriedMany>;
  /** Forgets a job that is not running. To its parent, one that had not finished was cancelled. */
  remove(id: string): Promise<'done' | 'refused' | 'missing'>;
  /** `remove` for each, as `retryMany`. */
  removeMany(ids: readonly string[]): Promise<RemovedMany>;
  /** Makes a delayed job due now; one that waits for its children is refused. */
  promote(id: string): Promise<'done' | 'refused' | 'missing'>;
  /** Stops claims from a queue; running jobs go on. CONFLICT as for `enqueue`. */
  pause(queue: string): Promise<void>;
  resume(queue: string): Promise<void>;
  /**
   * Sets a queue's limits instead of those it has, for all workers of all processes, from their next claim on; null, or limits of nothing, lifts them. INVALID
   * naming the field, CONFLICT as for `enqueue`.
   */
  limit(queue: string, limits: QueueLimits | null): Promise<void>;
  /** A page of a queue's jobs: next to run, longest running or newest finished first. Not a snapshot. `limit` from 1 to 500; 50 if not said. */
  list(page: {
    readonly queue: string;
    readonly state: JobState;
    readonly cursor?: string | null;
    readonly limit?: number;
  }): Promise<JobPage>;
  /** Every queue, by name: those that hold a job, a schedule or a pause, or were pushed to within the last minutes. */
  queues(): Promise<readonly QueueSummary[]>;
}

export function createQueue({ port, runtime, maxPayloadBytes = 256 * 1024 }: QueueOptions): Queue {
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
    const { delayMs = 0, dedupeKey, dedupe, group } = options;
    if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS)) throw invalid('delayMs: must lie between 0 and ten years');
    if (dedupe !== undefined && dedupeKey === undefined) throw invalid('dedupe: there must be a dedupeKey');
    const attempts = checkAttempts(options.attempts ?? job.attempts, `job ${job.name}`);
    const head = { name: job.name, attempts, createdAt: runtime.clock.now(), version: job.version };
    const children = kin?.children;
    const made: NewJob = {
      id: kin?.local ?? runtime.id(),
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
    const body = encodeEnvelope({ ...head, version: job.version }, text);
    return port.amend(queue, { do: 'retry', id: local, body });
  }

  async function amend(id: string, change: 'cancel' | 'retry' | 'remove' | 'promote'): Promise<Amended> {
    const { queue, local } = parseJobId(id);
    const amendment: Amendment = { do: change, id: local };
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
      return toEnqueued(queue, made.id, await producer.push(queue, made));
    },
    async enqueueMany(job, list) {
      const prepared = await Promise.all(list.map(({ data, options = {} }) => prepare(job, data, options)));
      return Promise.all(
        prepared.map(async ([queue, made]) => toEnqueued(queue, made.id, await producer.push(queue, made))),
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
      return awaitResult(
        () => get(id),
        (told) => waiters.wait(queue, local, told),
        id,
        runtime,
        options,
      );
    },
    async cancel(id) {
      const amended = await amend(id, 'cancel');
      return amended === 'done' ? 'cancelled' : amended;
    },
    retry: async (id, anew) => plain(await (anew ? retryAnew(id, anew.job, anew.data) : amend(id, 'retry'))),
    async retryMany(ids) {
      const { done, ...others } = await amendMany(port, 'retry', ids.map(parseJobId));
      return { retried: done, ...others };
    },
    retryAll: async (queue, options = {}) => retryAll(port, checkName(queue, 'queue'), options),
    remove: async (id) => plain(await amend(id, 'remove')),
    async removeMany(ids) {
      const { done, ...others } = await amendMany(port, 'remove', ids.map(parseJobId));
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
      if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw invalid('limit: a whole number from 1 to 500');
      if (cursor !== null && !/^\d{1,15}$/.test(cursor)) throw invalid('cursor: not one of this list');
      const page = await port.inspect({ of: 'state', queue, state, cursor, limit });
      return { jobs: page.jobs.map((record) => toJobStatus(queue, record)), cursor: page.cursor };
    },
    ...createSchedules(port, prepare),
    queues: async () => (await port.inspect({ of: 'queues' })).queues,
  };
}

/** Ids are made here, so a push that answers its own id made the job, even when it had to be repeated. */
function toEnqueued(queue: string, local: string, stands: string): Enqueued {
  return { id: jobId(queue, stands), created: stands === local };
}
