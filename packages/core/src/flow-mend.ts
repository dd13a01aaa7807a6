import { PortolanError } from './errors.ts';
import { readRecords } from './flow-children.ts';
import { deliverOwed } from './flow-deliver.ts';
import { decodeParent, encodePart } from './flow-part.ts';
import { decodeEnvelope, encodeFailure, jobId, parseJobId } from './job-envelope.ts';
import type { QueuePort } from './ports/queue.ts';
import type { DeliveredPart } from './ports/queue-flow.ts';
import type { JobRecord } from './ports/queue-inspect.ts';

const PAGE = 100;

/**
 * Throws CONFLICT for a job that failed over a child which is no longer kept: that child can never be retried, so the job would wait for ever. Costs nothing for a
 * job that awaits no part; else a round trip for every hundred parts and one for each queue of failing children.
 */
export async function checkMendable(port: QueuePort, queue: string, record: JobRecord): Promise<void> {
  if (record.awaits === 0) return;
  const id = jobId(queue, record.id);
  const { children = {} } = decodeEnvelope(record.body, `job ${id}`);
  const failing = (await failingParts(port, queue, record.id)).flatMap(({ part }) => {
    const child = children[part];
    return child === undefined ? [] : [{ part, child }];
  });
  if (failing.length === 0) return;
  const kept = await readRecords(
    port,
    failing.map(({ child }) => child),
  );
  const lost = failing.find(({ child }) => !kept.has(child));
  if (lost) {
    throw new PortolanError(
      'CONFLICT',
      `job ${id} cannot be retried: it failed over child ${nameOf(lost.part, lost.child)}, which is no longer kept; enqueue the flow anew`,
    );
  }
}

/**
 * To be called before a job is removed. A parent that was retried and waits for this job's retry fails anew, since that cannot come any more. Costs nothing but for
 * a failed or cancelled job with a parent.
 */
export async function releaseParent(port: QueuePort, queue: string, record: JobRecord): Promise<void> {
  if (record.parent === null || (record.state !== 'failed' && record.state !== 'cancelled')) return;
  const parent = decodeParent(record.parent);
  if (parent?.policy !== 'fail') return;
  const to = parseJobId(parent.id);
  const found = (await port.inspect({ of: 'jobs', queue: to.queue, ids: [to.local] })).jobs[0];
  if (found?.state !== 'delayed' || found.awaits === 0) return;
  const part = (await failingParts(port, to.queue, to.local)).find((one) => one.part === parent.key);
  if (!part) return;
  const child = jobId(queue, record.id);
  await port.amend(to.queue, {
    do: 'deliver',
    id: to.local,
    part: parent.key,
    turn: part.turn + 1,
    text: encodePart(child, { state: 'cancelled', text: null }),
    fail: encodeFailure(new PortolanError('CANCELLED', `child ${nameOf(parent.key, child)} was removed`)),
  });
  await deliverOwed(port, to.queue).catch(() => null);
}

const nameOf = (part: string, child: string): string => `${JSON.stringify(part)} (${child})`;

async function failingParts(port: QueuePort, queue: string, local: string): Promise<DeliveredPart[]> {
  const failing: DeliveredPart[] = [];
  let cursor: string | null = null;
  do {
    const page = await port.inspect({ of: 'parts', queue, id: local, cursor, limit: PAGE });
    failing.push(...(page.parts ?? []).filter(({ fails }) => fails));
    cursor = page.cursor;
  } while (cursor !== null);
  return failing;
}
