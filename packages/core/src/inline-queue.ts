import { decodeEnvelope, jobId, parseJobId } from './job-envelope.ts';
import type { QueuePort } from './ports/queue.ts';
import type { JobRecord, JobState } from './ports/queue-inspect.ts';
import { createQueue, type QueueOptions } from './queue.ts';
import type { Queue } from './queue-contract.ts';
import { createRuntime, type Runtime } from './runtime.ts';
import { createWorker } from './worker/worker.ts';
import type { WorkerOptions } from './worker/worker-options.ts';

export interface InlineQueueOptions
  extends Omit<QueueOptions, 'runtime'>,
    Pick<WorkerOptions, 'handlers' | 'concurrency' | 'maxResultBytes'> {
  readonly runtime?: Runtime;
}

/**
 * A queue for tests: what it is given has run before the call resolves, whatever became of it, so that a test needs no worker and waits for nothing. It is the real
 * queue and the real worker, on a backend of its own (`memory:`), and afterwards `get`, `result` and `list` tell what happened.
 *
 * Time: a job that fails is tried again at once, however long its backoff. One that is enqueued with a delay stays delayed, until `promote` or `drain`; a job
 * that a handler enqueues has run when that call resolves, too. Timeouts, limits and schedules go by the clock of the runtime. What has no handler stays in
 * the queue, and so does what a pause holds.
 */
export interface InlineQueue extends Queue {
  /** Runs what waits in any queue, until nothing does; with `delayed` also what is delayed now. */
  drain(options?: { readonly delayed?: boolean }): Promise<void>;
}

/** A job's timeout is what ends it. */
const GRACE_MS = 2 ** 31 - 1;
const PAGE = 500;

/** See `InlineQueue`. */
export function createInlineQueue(options: InlineQueueOptions): InlineQueue {
  const { runtime = createRuntime(), handlers } = options;
  const names = new Set(handlers.map(({ definition }) => definition.name));
  /** Told of every step that may have moved a job. */
  const watchers = new Set<() => void>();
  const port = watched(options.port, () => {
    for (const tell of watchers) tell();
  });
  const queue = createQueue({ ...options, port, runtime });

  /** Does it run, or will it without anybody's doing? */
  function goesOn({ id, state, body }: JobRecord, paused: boolean): boolean {
    return state === 'active' || (state === 'waiting' && !paused && names.has(decodeEnvelope(body, `job ${id}`).name));
  }

  async function anyGoesOn(queues: ReadonlyMap<string, readonly string[]>): Promise<boolean> {
    for (const [name, locals] of queues) {
      for (let at = 0; at < locals.length; at += PAGE) {
        const found = await port.inspect({ of: 'jobs', queue: name, ids: locals.slice(at, at + PAGE) });
        const paused = found.queues[0]?.paused ?? false;
        if (found.jobs.some((job) => goesOn(job, paused))) return true;
      }
    }
    return false;
  }

  /** Runs until none of these jobs goes on, and what they owed has been delivered. */
  async function run(ids: readonly string[]): Promise<void> {
    const places = Map.groupBy(ids.map(parseJobId), (place) => place.queue);
    const queues = new Map([...places].map(([name, some]) => [name, some.map(({ local }) => local)]));
    // What was delivered while the worker stopped may have set a parent going.
    while (await anyGoesOn(queues)) {
      const worker = createWorker({ ...options, port, runtime, queues: [...queues.keys()] });
      let moved = Promise.withResolvers<void>();
      const tell = () => moved.resolve();
      watchers.add(tell);
      worker.start();
      while (await anyGoesOn(queues)) {
        await moved.promise;
        moved = Promise.withResolvers<void>();
      }
      watchers.delete(tell);
      await worker.stop({ graceMs: GRACE_MS });
    }
  }

  /** Ids of the jobs of a state, in all queues. */
  async function idsOf(state: JobState, which: (job: JobRecord, paused: boolean) => boolean): Promise<string[]> {
    const ids: string[] = [];
    for (const name of (await port.inspect({ of: 'names' })).names ?? []) {
      let cursor: string | null = null;
      do {
        const page = await port.inspect({ of: 'state', queue: name, state, cursor, limit: PAGE });
        const paused = page.queues[0]?.paused ?? false;
        ids.push(...page.jobs.filter((job) => which(job, paused)).map(({ id }) => jobId(name, id)));
        cursor = page.cursor;
      } while (cursor !== null);
    }
    return ids;
  }

  async function drain(delayed: boolean): Promise<void> {
    if (delayed) for (const id of await idsOf('delayed', () => true)) await queue.promote(id);
    for (let ids = await idsOf('waiting', goesOn); ids.length > 0; ids = await idsOf('waiting', goesOn)) await run(ids);
  }

  async function after<T>(done: Promise<T>, ids: (result: T) => readonly string[]): Promise<T> {
    const result = await done;
    await run(ids(result));
    return result;
  }

  async function drained<T>(done: Promise<T>): Promise<T> {
    const result = await done;
    await drain(false);
    return result;
  }

  return {
    ...queue,
    enqueue: (...args) => after(queue.enqueue(...args), ({ id, created }) => (created ? [id] : [])),
    enqueueMany: (...args) =>
      after(queue.enqueueMany(...args), (made) => made.flatMap(({ id, created }) => (created ? [id] : []))),
    enqueueFlow: (flow) => after(queue.enqueueFlow(flow), idsOfFlow),
    retry: (id, anew) => after(queue.retry(id, anew), (done) => (done === 'done' ? [id] : [])),
    promote: (id) => after(queue.promote(id), (done) => (done === 'done' ? [id] : [])),
    retryMany: (ids) => drained(queue.retryMany(ids)),
    retryAll: (...args) => drained(queue.retryAll(...args)),
    resume: (name) => drained(queue.resume(name)),
    drain: ({ delayed = false } = {}) => drain(delayed),
  };
}

/** A flow's ids, in the shape of the flow. */
interface FlowIds {
  readonly id: string;
  readonly children: Readonly<Record<string, FlowIds>>;
}

function idsOfFlow(flow: object): string[] {
  const { id, children } = flow as FlowIds;
  return [id, ...Object.values(children).flatMap(idsOfFlow)];
}

/** The port with its steps told, and with each failed attempt's job due at once. */
function watched(port: QueuePort, moved: () => void): QueuePort {
  return {
    ...(port.lanes === undefined ? {} : { lanes: port.lanes }),
    push: (queue, jobs) => port.push(queue, jobs),
    async exchange(queue, request) {
      const result = await port.exchange(queue, request);
      for (const { id, outcome } of request.settled) {
        if (outcome === 'retry' && !result.refused.includes(id)) await port.amend(queue, { do: 'promote', id });
      }
      moved();
      return result;
    },
    beat: (queue, session, leaseMs) => port.beat(queue, session, leaseMs),
    async sweep(queue, policy) {
      const swept = await port.sweep(queue, policy);
      moved();
      return swept;
    },
    wait: (queues, signal) => port.wait(queues, signal),
    inspect: (inspection) => port.inspect(inspection),
    async amend(queue, amendment) {
      const amended = await port.amend(queue, amendment);
      moved();
      return amended;
    },
  };
}
