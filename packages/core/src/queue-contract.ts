import type { SubscribeOptions, Subscription } from './broadcast-subscribe.ts';
import type { CheckedFlow, EnqueuedFlow, FlowNode } from './flow.ts';
import type { ChildStatus } from './flow-children.ts';
import type { JobDefinition } from './job.ts';
import type { JobEvent } from './job-event.ts';
import type { JobStatus } from './job-status.ts';
import type { JobState, QueueSummary } from './ports/queue-inspect.ts';
import type { QueueLimits } from './ports/queue-limits.ts';
import type { JobLogLine } from './ports/queue-logs.ts';
import type { DedupeMode } from './ports/queue-push.ts';
import type { RemovedMany, RetriedMany, RetryAllOptions } from './queue-many.ts';
import type { ResultOptions } from './queue-result.ts';
import type { Schedules } from './schedules.ts';
import type { InputOf, Schema } from './schema.ts';

export interface EnqueueOptions {
  /**
   * The job's id behind its queue (`QUEUE:id`), made here if not said: 1 to 128 letters, digits, dots, dashes or underscores. As long as the queue keeps the job, the same id is the
   * same job, whatever its data: the call can be repeated when nobody knows what became of it. `created` is false then, and may be for the call that made it too, if
   * its first reply was lost.
   */
  readonly id?: string;
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
  /** False when the dedupe key stands for another job already, or the caller's id for a job. */
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
  /**
   * All data is checked before the first job is stored, and an error names the entry (`list[7]: …`); stored in chunks of 500, each all or nothing. Answers in the
   * order of the list.
   */
  enqueueMany<I extends Schema>(
    job: JobDefinition<I>,
    list: readonly { readonly data: InputOf<I>; readonly options?: EnqueueOptions }[],
  ): Promise<Enqueued[]>;
  /**
   * Stores a job together with the jobs it waits for, and those with theirs: a tree of up to 1,000 jobs, 10 deep, in any queues. A job with children runs
   * when all of them have finished, and its handler finds their outcomes with `context.children()`. Errors as for `enqueue`, behind the place of the job (`children.a: …`), and all data is checked before
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
   * or CANCELLED when the signal aborts. A store that is away meanwhile is waited for too. A worker of this process
   * that uses the same port tells the end as soon as the store has confirmed it, one of another process by an event. Without events it is polled for, from every
   * 10 ms to every second; with them, against those that get lost, from every 50 ms.
   */
  result(id: string, options?: ResultOptions): Promise<unknown>;
  /**
   * What workers do with the jobs of a queue, and jobs that are cancelled while they wait: in order as each worker tells it, kept for an hour, the last 1,000 messages
   * of 1 to some 40 events. `after` an event's id goes on behind it. Reading is as with `Topics.subscribe`; `gap` tells as well that a worker had to drop events while the
   * store was away. One whose publishing got no reply may come twice. Throws INVALID without events, or for a malformed id.
   */
  events(queue: string, options?: SubscribeOptions): Subscription<JobEvent>;
  /** `asked`: the worker that runs it is told within seconds. `refused`: it had finished. Its children, if it waits for some, are left alone. */
  cancel(id: string): Promise<'cancelled' | 'asked' | 'refused' | 'missing'>;
  /**
   * Runs a failed or cancelled job again, counted from its first attempt; with other data if told, which is checked as by `enqueue`. INVALID for data of
   * another kind of job. Its parent, if that has failed over it, stays failed until it is retried itself; the order does not matter: a parent runs again once no
   * outcome of its children fails it. CONFLICT, naming it, where such a child is no longer kept, so that it cannot be retried. Two round trips.
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
  /**
   * Forgets a job that is not running. To its parent, one that had not finished was cancelled; a parent that was retried and waits for the retry of this one
   * fails anew. Two round trips.
   */
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
