import { Batcher } from './batcher.ts';
import { PortolanError } from './errors.ts';
import type { QueuePort } from './ports/queue.ts';
import { MAX_CALL_TEXT } from './ports/queue-exchange.ts';
import type { NewJob, PushedJob } from './ports/queue-push.ts';
import type { Runtime } from './runtime.ts';

const MAX_JOBS = 500;
const MAX_IN_FLIGHT = 2;
/** Queues with a batcher of their own at a time; the one made first goes first. */
const MAX_BATCHERS = 1_000;
const REPEAT_AFTER_MS = 50;

export interface QueueProducer {
  /** Stores a job, and answers which one stands for it. */
  push(queue: string, job: NewJob): Promise<PushedJob>;
  /** Stores jobs in one step, in their order; several steps for more than 500 or for more than about 4 MiB. */
  pushTogether(queue: string, jobs: readonly NewJob[]): Promise<void>;
}

/** Pushes of one queue share round trips. A push whose reply was lost is repeated once, which the client-made ids make safe. */
export function createQueueProducer(port: QueuePort, runtime: Runtime): QueueProducer {
  const batchers = new Map<string, Batcher<NewJob, PushedJob>>();

  async function send(queue: string, jobs: readonly NewJob[]): Promise<PushedJob[]> {
    try {
      return await port.push(queue, jobs);
    } catch (error) {
      if (!PortolanError.is(error) || !error.retryable) throw error;
    }
    await runtime.sleep(REPEAT_AFTER_MS);
    return port.push(queue, jobs);
  }

  function batcherOf(queue: string): Batcher<NewJob, PushedJob> {
    const known = batchers.get(queue);
    if (known) return known;
    const made = new Batcher<NewJob, PushedJob>({
      send: (jobs) => send(queue, jobs),
      maxItems: MAX_JOBS,
      sizeOf: (job) => job.body.length,
      maxSize: MAX_CALL_TEXT,
      maxInFlight: MAX_IN_FLIGHT,
      beside: (port.lanes ?? 1) > 1,
    });
    batchers.set(queue, made);
    const oldest = batchers.size > MAX_BATCHERS ? batchers.keys().next().value : undefined;
    if (oldest !== undefined) batchers.delete(oldest);
    return made;
  }

  return {
    push: (queue, job) => batcherOf(queue).add(job),
    async pushTogether(queue, jobs) {
      for (let next = 0; next < jobs.length; ) {
        const from = next;
        let size = 0;
        do size += jobs[next++]?.body.length ?? 0;
        while (next < jobs.length && next - from < MAX_JOBS && size + (jobs[next]?.body.length ?? 0) <= MAX_CALL_TEXT);
        await send(queue, jobs.slice(from, next));
      }
    },
  };
}
