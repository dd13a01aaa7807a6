import {
  type ChildOutcome,
  createQueue,
  createWorker,
  defineJob,
  type Handler,
  handle,
  type JobContext,
  PortolanError,
  type QueuePort,
  type WorkerOptions,
} from '@portolan/core';
import { z } from 'zod';
import type { Case } from './suite.ts';

const backoff = { kind: 'fixed', delayMs: 0 } as const;
const input = z.object({ n: z.number() });
export const leaf = defineJob({ name: 'leaf', queue: 'leaves', input, output: z.unknown(), backoff, attempts: 1 });
export const sum = defineJob({
  name: 'sum',
  queue: 'sums',
  input: z.object({}),
  output: z.unknown(),
  backoff,
  attempts: 1,
});

export type Children = Readonly<Record<string, ChildOutcome>>;
export type Leaf = (n: number, context: JobContext) => unknown;

const addUp = (children: Children): number =>
  Object.values(children).reduce((total, { result }) => total + Number(result ?? 0), 0);

/** Adds up what its children answered. */
const summing = (seen: Children[] = []): Handler =>
  handle(sum, async (_, { children }) => {
    const found = await children();
    seen.push(found);
    return addUp(found);
  });

export const answering: Leaf = (n) => {
  if (n < 0) throw new PortolanError('CONFLICT', `no leaf ${n}`);
  return n;
};

export const one = (n: number, queue?: string) => ({
  job: leaf,
  data: { n },
  ...(queue ? { options: { queue } } : {}),
});

export interface Bench {
  readonly queue: ReturnType<typeof createQueue>;
  readonly worker: (run?: Leaf, options?: Partial<WorkerOptions>) => void;
  /** The job once it has ended. */
  readonly ended: (
    id: string,
  ) => Promise<{ readonly state: string; readonly result?: unknown; readonly error?: unknown }>;
  readonly seen: Children[];
}

export async function withFlows({ kit, backend }: Case, body: (bench: Bench) => Promise<void>): Promise<void> {
  const { runtime } = kit;
  const queue = createQueue({ port: backend.queue, runtime });
  const seen: Children[] = [];
  const workers: ReturnType<typeof createWorker>[] = [];
  try {
    await body({
      queue,
      seen,
      worker(run = answering, options = {}) {
        const handlers = [handle(leaf, ({ n }, context) => run(n, context)), summing(seen)];
        const worker = createWorker({ port: backend.queue, runtime, handlers, leaseMs: 300, ...options });
        workers.push(worker);
        worker.start();
      },
      ended: (id) =>
        kit.eventually(`job ${id} has ended`, async () => {
          const job = await queue.get(id);
          return job && ['completed', 'failed', 'cancelled'].includes(job.state) ? job : undefined;
        }),
    });
  } finally {
    let stopped = false;
    void Promise.all(workers.map((worker) => worker.stop({ graceMs: 0 }))).then(() => (stopped = true));
    await kit.eventually('the workers have stopped', () => stopped);
  }
}

export const owedOf = async (port: QueuePort, queue: string): Promise<number> =>
  (await port.inspect({ of: 'owed', queue, limit: 100 })).owed?.length ?? 0;
