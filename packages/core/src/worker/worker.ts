import { invalid, PortolanError } from '../errors.ts';
import { checkName } from '../names.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { Retention } from '../ports/queue-exchange.ts';
import type { Runtime } from '../runtime.ts';
import { Deliveries } from './deliveries.ts';
import type { WorkerEvent } from './event.ts';
import type { Handler } from './handler.ts';
import { keepBeating, sweep } from './heartbeat.ts';
import { holdLatest, type LeaseKeeper } from './lease-keeper.ts';
import { Pool } from './pool.ts';
import { Scheduler } from './scheduler.ts';
import { QueueSession } from './session.ts';
import { TimeLimits } from './time-limits.ts';

export interface WorkerOptions {
  readonly port: QueuePort;
  readonly runtime: Runtime;
  readonly handlers: readonly Handler[];
  /** If not said: the queues of the handlers and all that the store knows, looked up again every few seconds. */
  readonly queues?: readonly string[];
  /** Jobs at a time; 50 if not said. */
  readonly concurrency?: number;
  /** A worker that is silent for so long has vanished, and its jobs run elsewhere; 6 s if not said. Renewed three times as often. */
  readonly leaseMs?: number;
  /** A job that vanished with more workers than this fails; 3 if not said. */
  readonly maxStalls?: number;
  /** If not said: 1,000 completed for a day, 10,000 failed for a week, per queue. */
  readonly retention?: Retention;
  /** A queue that holds nothing leaves the list of queues so many ms after its last push; 10 min if not said. */
  readonly idleMs?: number;
  /** Larger results fail their job; 4 MiB of JSON if not said. */
  readonly maxResultBytes?: number;
  /**
   * Renews the leases while a handler blocks this thread; without one, a handler that computes for longer than the lease without yielding loses
   * the jobs of its worker to others. One may serve many workers; whoever made it closes it after them.
   */
  readonly leaseKeeper?: LeaseKeeper;
  readonly onEvent?: (event: WorkerEvent) => void;
}

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

const RETENTION: Retention = {
  completed: { count: 1_000, ms: 86_400_000 },
  failed: { count: 10_000, ms: 7 * 86_400_000 },
};
const IDLE_MS = 600_000;
const DISCOVER_EVERY_MS = 3_000;

/** A worker over any number of queues. It survives the store going away and resumes by itself. */
export function createWorker(options: WorkerOptions): Worker {
  const { port, runtime, queues, leaseMs = 6_000, maxStalls = 3, retention = RETENTION } = options;
  const { concurrency = 50, idleMs = IDLE_MS, maxResultBytes = 4 * 1024 * 1024 } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) throw invalid('concurrency: a whole number from 1');
  if (!(leaseMs >= 30)) throw invalid('leaseMs: at least 30');
  if (!(idleMs > 0)) throw invalid('idleMs: above 0');
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
  const onSchedule = (queue: string, inMs: number | null) => scheduler.note(queue, inMs);
  const policy = { maxStalls, retention, idleMs };
  const beat = { port, runtime, everyMs, sessions: () => sessions.values(), ...policy, deliveries, emit, onSchedule };
  let started = false;
  let quiet = false;
  let stopped: Promise<void> | undefined;

  function emit(event: WorkerEvent): void {
    try {
      options.onEvent?.(event);
    } catch (error) {
      runtime.logger.error({ error }, 'onEvent of a worker failed');
    }
  }

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
      emit,
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
  }

  return {
    concurrency,
    start() {
      if (started || stopped) throw invalid('a worker starts once');
      started = true;
      for (const queue of queues ?? [...handlers.values()].map(({ definition }) => definition.queue)) {
        pinned.add(checkName(queue, 'queue'));
        serve(queue);
      }
      if (!queues) void discover();
      void keepBeating(beat, beating.signal);
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
        session.held.map(({ id, name, queue, startedAt }) => ({ id, name, queue, startedAt })),
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
