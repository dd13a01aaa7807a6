import type {
  ExchangeRequest,
  ExchangeResult,
  JobRecord,
  JobState,
  NewJob,
  QueueLimits,
  QueuePort,
  Reconciled,
  ReconcileRequest,
  Retention,
  Settlement,
  SweepPolicy,
} from '@portolan/core';

/** One worker session on one queue, with defaults for what a test does not care for. */
export interface QueueClient {
  readonly session: string;
  push(...jobs: (Partial<NewJob> & { readonly id: string })[]): ReturnType<QueuePort['push']>;
  exchange(request?: Partial<ExchangeRequest>): Promise<ExchangeResult>;
  /** Claims, and answers the ids. */
  claim(count: number): Promise<string[]>;
  settle(...settled: Settlement[]): Promise<ExchangeResult>;
  beat(leaseMs?: number): ReturnType<QueuePort['beat']>;
  sweep(policy?: Partial<SweepPolicy>): ReturnType<QueuePort['sweep']>;
  job(id: string): Promise<JobRecord | undefined>;
  list(state: JobState): Promise<string[]>;
  counts(): Promise<Readonly<Record<JobState, number>>>;
}

export const KEEP: Retention = { completed: { count: 1_000, ms: 3_600_000 }, failed: { count: 1_000, ms: 3_600_000 } };
/** Long enough never to end within a test. */
const LEASE_MS = 60_000;
const IDLE_MS = 600_000;

let nonces = 0;

export function queueClient(port: QueuePort, session: string, queue = 'work'): QueueClient {
  const exchange = (request: Partial<ExchangeRequest> = {}) =>
    port.exchange(queue, {
      session,
      nonce: `nonce-${++nonces}`,
      leaseMs: LEASE_MS,
      settled: [],
      claim: 0,
      retention: KEEP,
      ...request,
    });
  return {
    session,
    push: (...jobs) =>
      port.push(
        queue,
        jobs.map((job) => ({ body: `body of ${job.id}`, priority: 0, delayMs: 0, ...job })),
      ),
    exchange,
    claim: async (count) => (await exchange({ claim: count })).jobs.map((job) => job.id),
    settle: (...settled) => exchange({ settled }),
    beat: (leaseMs = LEASE_MS) => port.beat(queue, session, leaseMs),
    sweep: (policy) =>
      port.sweep(queue, { maxStalls: 3, error: '"stalled"', retention: KEEP, idleMs: IDLE_MS, ...policy }),
    job: async (id) => (await port.inspect({ of: 'jobs', queue, ids: [id] })).jobs[0],
    list: async (state) =>
      (await port.inspect({ of: 'state', queue, state, cursor: null, limit: 100 })).jobs.map((job) => job.id),
    counts: async () => {
      const summary = (await port.inspect({ of: 'jobs', queue, ids: [] })).queues[0];
      if (!summary) throw new Error('an inspection tells no summary');
      return summary.counts;
    },
  };
}

export const completed = (id: string, result = '"done"'): Settlement => ({ id, outcome: 'completed', result });
export const failed = (id: string): Settlement => ({ id, outcome: 'failed', error: '"broken"' });
export const retry = (id: string, delayMs = 0): Settlement => ({ id, outcome: 'retry', delayMs, error: '"again"' });
export const released = (id: string, delayMs = 0): Settlement => ({ id, outcome: 'released', delayMs });

export const limit = (port: QueuePort, limits: QueueLimits | null, queue = 'work') =>
  port.amend(queue, { do: 'limit', limits });

/** Jobs to push: `job-1`, or `GROUP-1`, and so on. */
export const several = (count: number, more: { readonly group?: string; readonly priority?: number } = {}, from = 1) =>
  Array.from({ length: count }, (_, at) => ({ id: `${more.group ?? 'job'}-${from + at}`, ...more }));

export async function listedQueues(port: QueuePort): Promise<readonly string[]> {
  const { names } = await port.inspect({ of: 'names' });
  if (!names) throw new Error('an inspection of names answered without any');
  return names;
}

/** A whole pass over a queue; answers what was repaired, and how many entries were looked at. */
export async function reconcile(
  port: QueuePort,
  queue = 'work',
  { everyMs = 0, ...request }: Partial<Omit<ReconcileRequest, 'cursor'>> = {},
): Promise<Omit<Reconciled, 'cursor'>> {
  const policy = { maxStalls: 3, error: '"stalled"', retention: KEEP, idleMs: IDLE_MS };
  const repaired: Record<string, number> = {};
  let looked = 0;
  let cursor: string | null = null;
  do {
    const swept = await port.sweep(queue, { ...policy, reconcile: { ...request, everyMs, cursor } });
    if (!swept.reconciled) throw new Error('a reconcile answers what it did');
    for (const [kind, count] of Object.entries(swept.reconciled.repaired))
      repaired[kind] = (repaired[kind] ?? 0) + count;
    looked += swept.reconciled.looked;
    cursor = swept.reconciled.cursor;
  } while (cursor !== null);
  return { looked, repaired };
}
