import { invalid, PortolanError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { Deliveries } from './deliveries.ts';
import type { Handler } from './handler.ts';
import { keepBeating, sweep } from './heartbeat.ts';
import { holdLatest } from './lease-keeper.ts';
import { Pool } from './pool.ts';
import { keepReconciling } from './reconciler.ts';
import { createReporter } from './reporter.ts';
import { Scheduler } from './scheduler.ts';
import { QueueSession } from './session.ts';
import { TimeLimits } from './time-limits.ts';
import { checkWorkerOptions, type WorkerOptions } from './worker-options.ts';

export interface ActiveJob {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  /** ms on this process's clock. */
  readonly startedAt: number;
}

/** `quiet` takes no jobs, and may be told to resume; `stopping` for good. */
export type WorkerState = 'running' | 'quiet' | 'stopping';

export interface Worker {
  /** Begins to take jobs; a store that is away is waited for. Once only. */
  start(): void;
  /**
   * Takes no more, lets the running jobs finish for `graceMs` (10 s if not said), then aborts them and hands them back uncounted. Resolves when the
   * store has confirmed everything, or after one more lease without it. Repeatable.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
  /**
   * Takes no more jobs until `resume` (those that it is being given at the moment are the last); what runs goes on to its end, and what vanished workers leave behind is
   * still recovered. A worker that stops stays so. Repeatable.
   */
  quiet(): void;
  resume(): void;
  readonly state: WorkerState;
  /** Jobs at a time. */
  readonly concurrency: number;
  /** The queues that it serves now, sorted. */
  readonly queues: readonly string[];
  readonly active: readonly ActiveJob[];
}

const DISCOVER_EVERY_MS = 3_000;
/** For the last events to be published. */
const FLUSH_MS = 2_000;

/** A worker over any number of queues. It survives the store going away and resumes by itself. Throws INVALID naming the option that is none. */
export function createWorker(options: WorkerOptions): Worker {
  const { port, runtime, queues, concurrency, leaseMs, ...others } = checkWorkerOptions(options);
  const { maxStalls, retention, idleMs, maxResultBytes } = others;
  const handlers = byName(options.handlers, runtime);
  const pool = new Pool(concurrency);
  const limits = new TimeLimits(runtime);
  const deliveries = new Deliveries(port, runtime);
  const sessions = new Map<string, QueueSession>();
  /** Queues served for as long as the worker runs. */
  const pinned = new Set<string>();
  const loops = new Set<Promise<void>>();
  const discovering = new AbortController();
  const beating = new AbortController();
  const everyMs = leaseMs / 3;
  const scheduler = new Scheduler(port, runtime);
  const reporter = createReporter(options.onEvent, options.events, runtime.logger);
  const onSchedule = (queue: string, inMs: number | null) => scheduler.note(queue, inMs);
  const policy = { maxStalls, retention, idleMs };
  const beat = {
    port,
    runtime,
    everyMs,
    sessions: () => sessions.values(),
    ...policy,
    deliveries,
    reporter,
    onSchedule,
  };
  let started = false;
  let quiet = false;
  let stopped: Promise<void> | undefined;

  function serve(queue: string): void {
    if (sessions.has(queue) || discovering.signal.aborted) return;
    const session = new QueueSession({
      port,
      runtime,
      queue,
      handlers,
      pool,
      limits,
      leaseMs,
      retention,
      maxResultBytes,
      holder: () => holdLatest(options.leaseKeeper, queue, leaseMs),
      deliveries,
      reporter,
    });
    sessions.set(queue, session);
    if (quiet) session.quiet();
    const loop = session.run().then(() => leave(session));
    loops.add(loop);
    void loop.then(() => loops.delete(loop));
  }

  /** After a session has ended: out of the store, and, when its queue is off the list, out of here. */
  async function leave(session: QueueSession): Promise<void> {
    const stopping = discovering.signal.aborted;
    try {
      await session.leave();
      if (!stopping) await sweep(beat, session.queue);
    } catch (error) {
      runtime.logger.debug({ error }, 'A session could not be ended in the store; it expires');
    }
    if (!stopping) sessions.delete(session.queue);
  }

  async function discover(): Promise<void> {
    while (!discovering.signal.aborted) {
      try {
        const listed = new Set((await port.inspect({ of: 'names' })).names);
        for (const queue of listed) serve(queue);
        for (const session of sessions.values()) {
          if (session.idle && !listed.has(session.queue) && !pinned.has(session.queue)) session.stop();
        }
      } catch (error) {
        runtime.logger.debug({ error }, 'The queues could not be looked up; trying on');
      }
      await runtime.sleep(DISCOVER_EVERY_MS, discovering.signal);
    }
  }

  async function within(ms: number, done: Promise<unknown>): Promise<void> {
    const waited = new AbortController();
    await Promise.race([done, runtime.sleep(ms, waited.signal)]);
    waited.abort();
  }

  async function stop(graceMs: number): Promise<void> {
    discovering.abort();
    scheduler.stop();
    for (const session of sessions.values()) session.stop();
    const ended = Promise.all(loops);
    await within(graceMs, ended);
    const error = new PortolanError('CANCELLED', 'the worker is stopping');
    for (const session of sessions.values()) session.interruptAll('stopped', error);
    await within(leaseMs, ended);
    for (const session of sessions.values()) session.abandon();
    beating.abort();
    limits.stop();
    await ended;
    await within(leaseMs, deliveries.stop());
    await options.events?.flush(FLUSH_MS);
  }

  return {
    concurrency,
    start() {
      if (started || stopped) throw invalid('a worker starts once');
      started = true;
      for (const queue of queues ?? [...handlers.values()].map(({ definition }) => definition.queue)) {
        pinned.add(queue);
        serve(queue);
      }
      if (!queues) void discover();
      void keepBeating(beat, beating.signal);
      void keepReconciling({ port, runtime, queues: () => sessions.keys() }, discovering.signal);
      void scheduler.run();
    },
    stop: ({ graceMs = 10_000 } = {}) => (stopped ??= stop(graceMs)),
    quiet() {
      if (quiet) return;
      quiet = true;
      for (const session of sessions.values()) session.quiet();
    },
    resume() {
      if (!quiet) return;
      quiet = false;
      for (const session of sessions.values()) session.resume();
    },
    get state() {
      if (stopped) return 'stopping';
      return quiet ? 'quiet' : 'running';
    },
    get queues() {
      return [...sessions.keys()].sort();
    },
    get active() {
      return [...sessions.values()].flatMap((session) =>
        session.active.map(({ id, name, queue, startedAt }) => ({ id, name, queue, startedAt })),
      );
    },
  };
}

function byName(handlers: readonly Handler[], runtime: Runtime): ReadonlyMap<string, Handler> {
  const named = new Map<string, Handler>();
  for (const handler of handlers) {
    const { name } = handler.definition;
    if (named.has(name)) throw invalid(`two handlers for job ${name}`);
    named.set(name, handler.bind?.(runtime) ?? handler);
  }
  return named;
}
