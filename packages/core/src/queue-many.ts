import { invalid, PortolanError } from './errors.ts';
import { readRecords } from './flow-children.ts';
import { checkMendable, releaseParent } from './flow-mend.ts';
import { jobId, parseJobId } from './job-envelope.ts';
import type { QueuePort } from './ports/queue.ts';
import type { Amended } from './ports/queue-amend.ts';
import type { JobRecord, QueueInspected } from './ports/queue-inspect.ts';

/**
 * What became of each of many jobs. `refused`: it was in a state that does not allow the change, or a parent whose failed child is no longer kept. `missing`: it
 * never was, or is no longer kept.
 */
export interface RetriedMany {
  readonly retried: number;
  readonly refused: number;
  readonly missing: number;
}

export interface RemovedMany {
  readonly removed: number;
  readonly refused: number;
  readonly missing: number;
}

export interface RetryAllOptions {
  /** `failed` if not said. */
  readonly state?: 'failed' | 'cancelled';
  /** At most so many, those that finished last; all if not said. */
  readonly limit?: number;
}

type Counts = Readonly<Record<'done' | 'refused' | 'missing', number>>;

/** Calls under way at a time. */
const AT_ONCE = 100;
/** Jobs in memory at a time: with the largest payloads 25 MiB. */
const PAGE = 100;

/** Changes jobs of any queues, in the order of the list: a look for each queue and hundred jobs, then a round trip each, 100 under way at a time. */
export async function amendMany(port: QueuePort, change: 'retry' | 'remove', ids: readonly string[]): Promise<Counts> {
  for (const id of ids) parseJobId(id);
  const counts = { done: 0, refused: 0, missing: 0 };
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const records = await readRecords(port, some);
    const answers = await Promise.all(some.map((id) => amendFound(port, change, id, records.get(id))));
    for (const answer of answers) counts[answer === 'asked' ? 'refused' : answer] += 1;
  }
  return counts;
}

async function amendFound(
  port: QueuePort,
  change: 'retry' | 'remove',
  id: string,
  record: JobRecord | undefined,
): Promise<Amended> {
  if (!record) return 'missing';
  const { queue, local } = parseJobId(id);
  try {
    await (change === 'retry' ? checkMendable : releaseParent)(port, queue, record);
  } catch (error) {
    if (PortolanError.is(error) && error.code === 'CONFLICT') return 'refused';
    throw error;
  }
  return port.amend(queue, { do: change, id: local });
}

/**
 * Retries what stands in a state now, the newest first. It ends, and retries none twice, also while jobs come back to that state: those finish later than
 * the newest that stood there at the beginning, by the store's clock, and among those of that very millisecond the ids are remembered.
 */
export async function retryAll(
  port: QueuePort,
  queue: string,
  { state = 'failed', limit = Number.POSITIVE_INFINITY }: RetryAllOptions,
): Promise<RetriedMany> {
  if (state !== 'failed' && state !== 'cancelled') throw invalid('state: failed or cancelled');
  if (limit !== Number.POSITIVE_INFINITY && !(Number.isInteger(limit) && limit >= 1)) {
    throw invalid('limit: a whole number from 1');
  }
  const page = (cursor: string | null, most: number): Promise<QueueInspected> =>
    port.inspect({ of: 'state', queue, state, cursor, limit: most });
  const total = { retried: 0, refused: 0, missing: 0 };
  const { jobs, queues } = await page(null, 1);
  const newest = finishedAt(jobs[0]);
  const met = new Set<string>();
  // The number at the beginning bounds it too, should the store's clock be set back meanwhile.
  let left = Math.min(limit, queues[0]?.counts[state] ?? 0);
  let cursor: string | null = null;
  let again = true;
  while (left > 0) {
    const found = await page(cursor, PAGE);
    const old = found.jobs.filter((job) => finishedAt(job) <= newest && !met.has(job.id)).slice(0, left);
    if (old.length > 0) {
      // The oldest of them first, as they will stand in line. They leave the list, so that the next stand behind the same cursor.
      const oldest = old.toReversed();
      const answers = await Promise.all(oldest.map((job) => amendFound(port, 'retry', jobId(queue, job.id), job)));
      for (const [n, job] of oldest.entries()) {
        const answer = answers[n] as Amended;
        // One that was refused still stands there.
        if (finishedAt(job) === newest || answer === 'refused') met.add(job.id);
        total[answer === 'done' ? 'retried' : answer === 'missing' ? 'missing' : 'refused'] += 1;
      }
      left -= old.length;
      again = true;
    } else if (found.cursor !== null) {
      // These came later.
      cursor = found.cursor;
    } else if (again && cursor !== null) {
      // What others took out of the list ahead of the cursor moved the rest up past it: look again from the beginning.
      cursor = null;
      again = false;
    } else return total;
  }
  return total;
}

const finishedAt = (job: JobRecord | undefined): number => job?.finishedAt ?? Number.NEGATIVE_INFINITY;
