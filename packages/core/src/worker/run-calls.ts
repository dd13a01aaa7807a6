import { readParts } from '../flow-children.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { RunOptions } from './run.ts';

/** What a run asks of the store while its session leases it. */
export function runCalls(
  port: QueuePort,
  queue: string,
  session: string,
): Pick<RunOptions, 'report' | 'log' | 'parts'> {
  return {
    report: async (id, progress) => (await port.amend(queue, { do: 'progress', id, session, progress })) === 'done',
    log: async (id, lines) => (await port.amend(queue, { do: 'log', id, session, lines })) === 'done',
    parts: (id) => readParts(port, queue, id),
  };
}
