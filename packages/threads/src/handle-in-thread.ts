import { availableParallelism } from 'node:os';
import { type Handler, invalid, type JobDefinition, type Schema } from '@portolan/core';
import { ThreadPool } from './pool.ts';
import { Thread } from './thread.ts';

export interface ThreadOptions {
  /** Runs at a time, each in a thread of its own; further ones wait, which is no part of their timeout. One less than the processors, at least one, if not said. */
  readonly threads?: number;
  /** A run that is told to stop (timeout, cancel, lost lease, worker stopping) has so many ms to do it before its thread is ended; 1,000 if not said. */
  readonly graceMs?: number;
  /** A thread that has not loaded the module after so many ms is ended, and the attempt has failed; a minute if not said. No part of the job's timeout. */
  readonly loadMs?: number;
}

export interface ThreadHandler extends Handler {
  /** Ends the threads; further runs are refused. Stop the worker before. Without it, idle threads end by themselves and hold no process. */
  close(): Promise<void>;
}

/**
 * Like `handle`, for code that computes: `module`'s default export (a `ThreadRun`) is the handler, and runs in a thread of a small pool, so it blocks neither the
 * worker's other jobs nor its heartbeat. The module is loaded once a thread. Input and output are checked in the worker's thread and are copied
 * between the two as `structuredClone` does; a run costs less than 0.1 ms more than in place, and a thread takes some 30 MB.
 *
 * A thread that dies (an uncaught error, `process.exit`, out of memory) fails the attempt, which may be tried again. One that does not stop when it is told to is
 * ended, so a job's timeout and cancel hold for code that does not listen.
 */
export function handleInThread<I extends Schema, O extends Schema>(
  job: JobDefinition<I, O>,
  module: URL,
  options: ThreadOptions = {},
): ThreadHandler {
  const { threads = Math.max(availableParallelism() - 1, 1), graceMs = 1_000, loadMs = 60_000 } = options;
  if (!Number.isInteger(threads) || threads < 1) throw invalid(`job ${job.name}: threads: a whole number from 1`);
  if (!(graceMs >= 0)) throw invalid(`job ${job.name}: graceMs: not below 0`);
  if (!(loadMs > 0)) throw invalid(`job ${job.name}: loadMs: above 0`);
  const pool = new ThreadPool(threads, () => new Thread(module, `job ${job.name}`, loadMs));
  return {
    definition: job,
    waits: true,
    async run(data, context, begin) {
      const thread = await pool.take(context.signal);
      try {
        context.signal.throwIfAborted();
        return await thread.run(data, context, graceMs, begin);
      } finally {
        pool.giveBack(thread);
      }
    },
    close: () => pool.close(),
  };
}
