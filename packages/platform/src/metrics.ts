import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What is asked of a worker at each scrape. */
export interface WorkerSource {
  active(): number;
  /** One or two round trips to the store. */
  queues(): Promise<readonly { readonly queue: string; readonly counts: Readonly<Record<string, number>> }[]>;
}

/** The numbers of one process, in the Prometheus text format. */
export interface Metrics {
  /** One call of a procedure, over tRPC or REST. `code` is OK or an error code. */
  call(procedure: string, code: string, seconds: number): void;
  /** One attempt of a job. */
  job(name: string, outcome: string, seconds: number): void;
  /** Adds what a worker runs now, and what waits in all queues of the store; of the latter nothing while the store is away. Once. */
  worker(source: WorkerSource): void;
  readonly contentType: string;
  text(): Promise<string>;
}

/** States of jobs that somebody has yet to work on. */
const OPEN_STATES = ['waiting', 'delayed', 'active'];

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(role: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ role });
  collectDefaultMetrics({ register: registry });
  const calls = new Counter({
    name: 'portolan_calls_total',
    help: 'API calls by procedure and outcome',
    labelNames: ['procedure', 'code'],
    registers: [registry],
  });
  const callSeconds = new Histogram({
    name: 'portolan_call_seconds',
    help: 'Duration of API calls',
    labelNames: ['procedure'],
    buckets: SECONDS,
    registers: [registry],
  });
  const jobs = new Counter({
    name: 'portolan_jobs_total',
    help: 'Job attempts by job name and outcome',
    labelNames: ['name', 'outcome'],
    registers: [registry],
  });
  const jobSeconds = new Histogram({
    name: 'portolan_job_seconds',
    help: 'Duration of job attempts',
    labelNames: ['name'],
    buckets: [...SECONDS, 30, 60, 300],
    registers: [registry],
  });
  return {
    call(procedure, code, seconds) {
      calls.inc({ procedure, code });
      callSeconds.observe({ procedure }, seconds);
    },
    job(name, outcome, seconds) {
      jobs.inc({ name, outcome });
      jobSeconds.observe({ name }, seconds);
    },
    worker({ active, queues }) {
      new Gauge({
        name: 'portolan_jobs_active',
        help: 'Jobs that this worker runs now',
        registers: [registry],
        collect() {
          this.set(active());
        },
      });
      new Gauge({
        name: 'portolan_queue_jobs',
        help: 'Jobs of the whole store by queue and state: the same from every worker',
        labelNames: ['queue', 'state'],
        registers: [registry],
        async collect() {
          const summaries = await queues().catch(() => []);
          this.reset();
          for (const { queue, counts } of summaries) {
            for (const state of OPEN_STATES) this.set({ queue, state }, counts[state] ?? 0);
          }
        },
      });
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
