import { PortolanError } from '../errors.ts';
import { encodeFailure, jobId } from '../job-envelope.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { Retention } from '../ports/queue-exchange.ts';
import type { Runtime } from '../runtime.ts';
import type { Deliveries } from './deliveries.ts';
import type { Reporter } from './reporter.ts';
import type { QueueSession } from './session.ts';

export interface HeartbeatOptions {
  readonly port: QueuePort;
  readonly runtime: Runtime;
  /** ms between beats; a third of the lease, so two may fail. */
  readonly everyMs: number;
  readonly sessions: () => Iterable<QueueSession>;
  readonly maxStalls: number;
  readonly retention: Retention;
  readonly idleMs: number;
  readonly deliveries: Deliveries;
  readonly reporter: Reporter;
  /** In how many ms the next schedule of a queue is due, as a sweep told. */
  readonly onSchedule: (queue: string, inMs: number | null) => void;
}

/** Beats from one sweep of a queue where nothing is leased to the next: a lease. */
const QUIET_BEATS = 3;

/**
 * Renews the leases of every session and sweeps every queue until the signal aborts. Every worker sweeps. A queue where jobs are leased is swept at
 * every beat, so the jobs of a worker that vanished run again within a lease and a beat; one where none are can have no lease of jobs end before as
 * long as a lease has passed, and is left alone until then. The calls of one beat are made at once, and travel together where the store can.
 */
export async function keepBeating(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { runtime, everyMs } = options;
  let away = false;
  /** Beats that a session's queue is still left alone for. */
  const quiet = new WeakMap<QueueSession, number>();
  while (!signal.aborted) {
    const results = await Promise.allSettled(
      [...options.sessions()].map(async (session) => {
        await session.beat();
        const rest = quiet.get(session) ?? 0;
        if (rest > 0) quiet.set(session, rest - 1);
        else if (!(await sweep(options, session.queue))) quiet.set(session, QUIET_BEATS - 1);
      }),
    );
    const failed = results.find((one) => one.status === 'rejected');
    if (failed && !away) {
      const { code, message } = PortolanError.from(failed.reason);
      runtime.logger.warn({ code, reason: message }, 'A worker could not renew its leases; trying on');
    }
    away = failed !== undefined;
    await runtime.sleep(away ? everyMs / 4 : everyMs, signal);
  }
}

/** Answers whether jobs of the queue are leased. */
export async function sweep(options: HeartbeatOptions, queue: string): Promise<boolean> {
  const { port, maxStalls, retention, idleMs, deliveries, reporter, onSchedule } = options;
  const error = encodeFailure(
    new PortolanError('INTERNAL', `its worker vanished more than ${maxStalls} times: the job may end its process`),
  );
  for (;;) {
    const swept = await port.sweep(queue, { maxStalls, error, retention, idleMs });
    for (const id of swept.recovered) reporter.report({ type: 'recovered', id: jobId(queue, id), queue });
    for (const id of swept.failed) reporter.report({ type: 'stalled', id: jobId(queue, id), queue });
    onSchedule(queue, swept.scheduleInMs);
    if (swept.owes) deliveries.start(queue);
    if (!swept.more) return swept.active;
  }
}
