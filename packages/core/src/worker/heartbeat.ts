import { PortolanError } from '../errors.ts';
import { encodeFailure, jobId } from '../job-envelope.ts';
import type { QueuePort, Retention } from '../ports/queue.ts';
import type { Runtime } from '../runtime.ts';
import type { WorkerEvent } from './event.ts';
import type { QueueSession } from './session.ts';

export interface HeartbeatOptions {
  readonly port: QueuePort;
  readonly runtime: Runtime;
  /** ms between beats; a third of the lease, so two may fail. */
  readonly everyMs: number;
  readonly sessions: () => Iterable<QueueSession>;
  readonly maxStalls: number;
  readonly retention: Retention;
  readonly emit: (event: WorkerEvent) => void;
}

/** Renews the leases of every session and sweeps every queue until the signal aborts. Every worker sweeps: a sweep that finds nothing is cheap. */
export async function keepBeating(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { runtime, everyMs } = options;
  let away = false;
  while (!signal.aborted) {
    const results = await Promise.allSettled(
      [...options.sessions()].map(async (session) => {
        await session.beat();
        await sweep(options, session.queue);
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

async function sweep({ port, maxStalls, retention, emit }: HeartbeatOptions, queue: string): Promise<void> {
  const error = encodeFailure(
    new PortolanError('INTERNAL', `its worker vanished more than ${maxStalls} times: the job may end its process`),
  );
  for (let more = true; more; ) {
    const swept = await port.sweep(queue, { maxStalls, error, retention });
    for (const id of swept.recovered) emit({ type: 'recovered', id: jobId(queue, id), queue });
    for (const id of swept.failed) emit({ type: 'stalled', id: jobId(queue, id), queue });
    more = swept.more;
  }
}
