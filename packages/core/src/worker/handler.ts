import type { ChildOutcome } from '../flow-part.ts';
import type { JobDefinition } from '../job.ts';
import type { ScheduledTick } from '../job-envelope.ts';
import type { Logger, Runtime } from '../runtime.ts';
import type { InputOf, OutputOf, Schema } from '../schema.ts';

/** What a handler knows of its run. */
export interface JobContext {
  readonly id: string;
  readonly queue: string;
  /** 1 for the first run; grows by failures and by vanished workers. */
  readonly attempt: number;
  /** ms since the epoch, by the clock of the process that enqueued it. */
  readonly createdAt: number;
  /** Of a job that a schedule made: the schedule's id, and the time of the tick, which is earlier than now by what it waited or was missed. */
  readonly schedule?: ScheduledTick | undefined;
  /**
   * Aborts, with a PortolanError as its reason, when the run no longer counts: TIMEOUT, cancelled, lease lost, worker stopping. Whatever the handler
   * does after that is ignored; one that does not listen runs on beside the worker's other jobs.
   */
  readonly signal: AbortSignal;
  /**
   * How the children of a flow's job finished, by name; empty for a job without. All of them are there, and completed unless `onChildFailure` is `pass`. A
   * round trip for every hundred.
   */
  children(): Promise<Readonly<Record<string, ChildOutcome>>>;
  /** Reports progress, shown by `Queue.get`; at most 16 KiB of JSON. Best effort: a store that is away loses it. */
  progress(value: unknown): Promise<void>;
  /**
   * Keeps a line with the job, shown by `Queue.logs`: the last 100 of a job over all its runs, each cut at 1,000 characters. Lines of one turn share a round
   * trip. Best effort: a store that is away loses them; what was logged before the run ends is stored before its end is.
   */
  log(line: string): void;
  /** Adds the job's id, name and attempt to every entry. */
  readonly logger: Logger;
}

/** A definition with the code that runs it, made by `handle` or `handleMany`. */
export interface Handler {
  readonly definition: JobDefinition;
  /** With `waits`, `begin` starts the job's timeout; else it does nothing. */
  run(data: unknown, context: JobContext, begin: () => void): unknown;
  /** Its runs stand in a line of their own first, for something that few can have at a time: their timeout starts when `run` calls `begin`. */
  readonly waits?: boolean;
  /** Of a handler that keeps something between runs: asked once by each worker, which runs what it answers. */
  readonly bind?: (runtime: Runtime) => Handler;
  /** How many jobs it would have together; 1 if not said. */
  readonly atOnce?: number;
}

/**
 * Ties a job to its code. Delivery is at least once: a worker that vanishes may have done its work already, so make the effects of `run` repeatable.
 * Throwing fails the attempt; a PortolanError with `retryable: false` fails the job.
 */
export function handle<I extends Schema, O extends Schema>(
  job: JobDefinition<I, O>,
  run: (data: OutputOf<I>, context: JobContext) => Promise<InputOf<O>> | InputOf<O>,
): Handler {
  return { definition: job, run: (data, context) => run(data as OutputOf<I>, context) };
}
