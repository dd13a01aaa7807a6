import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** The numbers of one process, in the Prometheus text format. */
export interface Metrics {
  /** One call of a procedure, over tRPC or REST. `code` is OK or an error code. */
  call(procedure: string, code: string, seconds: number): void;
  /** One attempt of a job. */
  job(name: string, outcome: string, seconds: number): void;
  readonly contentType: string;
  text(): Promise<string>;
}

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
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
