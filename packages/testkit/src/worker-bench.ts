import {
  type Backend,
  createQueue,
  createWorker,
  defineJob,
  handle,
  type JobContext,
  type JobDefinition,
  type JobStatus,
  type Queue,
  type QueuePort,
  type Schema,
  type Worker,
  type WorkerEvent,
  type WorkerOptions,
} from '@portolan/core';
import { z } from 'zod';
import type { Kit } from './harness.ts';

const input = z.object({ n: z.number() });
type Input = z.infer<typeof input>;

/** A job without delays between its attempts. */
export const job = defineJob({
  name: 'test.job',
  queue: 'work',
  input,
  output: z.unknown(),
  backoff: { kind: 'fixed', delayMs: 0 },
});

export interface Bench {
  readonly queue: Queue;
  readonly events: WorkerEvent[];
  /** Starts a worker that runs `job` (or `definition`) with `run`. The bench stops it. */
  worker(
    run: (data: Input, context: JobContext) => unknown,
    options?: Partial<WorkerOptions> & { readonly definition?: JobDefinition<typeof input, Schema> },
  ): Worker;
  /** Waits until the job is in the state. */
  state(id: string, state: JobStatus['state']): Promise<JobStatus>;
  /** Waits for an event of the type. */
  event(type: WorkerEvent['type']): Promise<WorkerEvent>;
}

/** A producer and workers on one backend, stopped at the end whatever happened. */
export async function withBench(kit: Kit, backend: Backend, body: (bench: Bench) => Promise<void>): Promise<void> {
  const { runtime } = kit;
  const workers: Worker[] = [];
  const events: WorkerEvent[] = [];
  const queue = createQueue({ port: backend.queue, runtime });
  const bench: Bench = {
    queue,
    events,
    worker(run, { definition = job, ...options } = {}) {
      const worker = createWorker({
        port: backend.queue,
        runtime,
        handlers: [handle(definition, run)],
        onEvent: (event) => events.push(event),
        ...options,
      });
      workers.push(worker);
      worker.start();
      return worker;
    },
    state: (id, state) =>
      kit.eventually(`job ${id} is ${state}`, async () => {
        const found = await queue.get(id);
        return found?.state === state ? found : undefined;
      }),
    event: (type) => kit.eventually(`event ${type}`, () => events.find((event) => event.type === type)),
  };
  try {
    await body(bench);
  } finally {
    // Time must pass meanwhile: a worker may be waiting to repeat a call.
    let stopped = false;
    void Promise.all(workers.map((worker) => worker.stop({ graceMs: 0 }))).then(() => {
      stopped = true;
    });
    await kit.eventually('the workers have stopped', () => stopped);
  }
}

/** What a handler that listens to its signal does. */
export const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

/** The port with some of its methods replaced. */
export function wrapQueue(port: QueuePort, changes: Partial<QueuePort>): QueuePort {
  return {
    ...(port.lanes === undefined ? {} : { lanes: port.lanes }),
    push: (...args) => port.push(...args),
    exchange: (...args) => port.exchange(...args),
    beat: (...args) => port.beat(...args),
    sweep: (...args) => port.sweep(...args),
    wait: (...args) => port.wait(...args),
    inspect: (...args) => port.inspect(...args),
    amend: (...args) => port.amend(...args),
    ...changes,
  };
}
