import type { JobFailure } from '../job-envelope.ts';

/** What happened to one job in a worker. Reported after the store has confirmed it, except `taken` and `lost`. */
export interface WorkerJobEvent {
  readonly type:
    | 'taken'
    | 'completed'
    /** For good. */
    | 'failed'
    /** Failed, and runs again. */
    | 'retried'
    | 'cancelled'
    /** Handed back, not counted as an attempt. */
    | 'released'
    /** The lease was lost, to a pause or an outage longer than the lease: the job runs elsewhere, what this run did is not recorded. */
    | 'lost';
  readonly id: string;
  readonly queue: string;
  readonly name: string;
  readonly attempt: number;
  /** ms since it was taken. */
  readonly ms: number;
  readonly error?: JobFailure;
}

/** What a sweep found: the worker of a job had vanished. */
export interface WorkerSweepEvent {
  /** `recovered`: it runs again. `stalled`: it failed, having been taken by too many vanishing workers. */
  readonly type: 'recovered' | 'stalled';
  readonly id: string;
  readonly queue: string;
}

export type WorkerEvent = WorkerJobEvent | WorkerSweepEvent;
