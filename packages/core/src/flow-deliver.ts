import { PortolanError } from './errors.ts';
import { childFailure, decodeParent, encodePart } from './flow-part.ts';
import { decodeSealed, readObject, sealedOf } from './job-cipher.ts';
import { jobId, parseJobId } from './job-envelope.ts';
import type { QueuePort } from './ports/queue.ts';
import type { OwedPart } from './ports/queue-flow.ts';

const PAGE = 100;
/** A parent that is missing may be one that is not stored yet; after so long it never will be. */
const MISSED_MS = 3_600_000;
const AGAIN_MS = { first: 25, most: 60_000 };

export interface Delivery {
  /** ms until what had to be put off may be tried again; null when nothing had to. */
  readonly againMs: number | null;
}

/**
 * Brings what the queue owes to the parents, in whatever queues, and what those owe in turn when it fails them. Three round trips for a hundred parts: look,
 * deliver, strike off. Any number of processes may do so at a time, and anew at any point: parts are known by their names, entries by their turns.
 * Throws the first trouble with the store after everything was tried.
 */
export async function deliverOwed(port: QueuePort, queue: string): Promise<Delivery> {
  const queues = [queue];
  let againMs: number | null = null;
  let trouble: unknown;
  // Grows as parents fail: by one queue at a time, no more often than a flow is deep.
  for (let at = 0; at < queues.length; at += 1) {
    const name = queues[at] as string;
    for (let more = true; more; ) {
      const { owed = [] } = await port.inspect({ of: 'owed', queue: name, limit: PAGE });
      const handed = await Promise.allSettled(owed.map((entry) => hand(port, name, entry)));
      let settled = 0;
      for (const one of handed) {
        if (one.status === 'rejected') {
          trouble ??= one.reason;
          continue;
        }
        settled += 1;
        const { failed, deferredMs } = one.value;
        if (failed !== undefined && !queues.includes(failed, at)) queues.push(failed);
        if (deferredMs !== undefined) againMs = Math.min(againMs ?? deferredMs, deferredMs);
      }
      more = settled > 0;
    }
  }
  if (trouble !== undefined) throw PortolanError.from(trouble);
  return { againMs };
}

interface Handed {
  /** The queue of a parent that failed. */
  readonly failed?: string;
  readonly deferredMs?: number;
}

/** After it the entry is struck off or put off. */
async function hand(port: QueuePort, queue: string, entry: OwedPart): Promise<Handed> {
  const { id, turn, state, missedMs } = entry;
  const parent = decodeParent(entry.parent);
  const strike = () => port.amend(queue, { do: 'strike', id, turn });
  if (!parent) {
    await strike();
    return {};
  }
  if (isSealed(entry)) {
    // Encrypted with a key that is not known here: for a process that knows it.
    await port.amend(queue, { do: 'defer', id, turn, delayMs: AGAIN_MS.most });
    return { deferredMs: AGAIN_MS.most };
  }
  const child = jobId(queue, id);
  const to = parseJobId(parent.id);
  const fails = state !== 'completed' && parent.policy === 'fail';
  const amended = await port.amend(to.queue, {
    do: 'deliver',
    id: to.local,
    part: parent.key,
    turn,
    text: encodePart(child, entry),
    ...(fails ? { fail: childFailure(parent.key, child, entry) } : {}),
  });
  if (amended === 'missing' && (missedMs ?? 0) < MISSED_MS) {
    // Each pause as long as all before it together.
    const delayMs = Math.min(Math.max(missedMs ?? 0, AGAIN_MS.first), AGAIN_MS.most);
    await port.amend(queue, { do: 'defer', id, turn, delayMs });
    return { deferredMs: delayMs };
  }
  await strike();
  return fails && amended === 'done' ? { failed: to.queue } : {};
}

function isSealed({ state, text }: OwedPart): boolean {
  if (text === null) return false;
  return (state === 'completed' ? decodeSealed(text) : sealedOf(readObject(text))) !== undefined;
}
