import type { JobRecord, JobState, QueueInspected } from '@portolan/core';
import type { Engine } from './engine.ts';
import { findQueue, leasesOf, recordsOf, type StateInspection, toSummary } from './queue-inspect.ts';

/** Numbers of a page's jobs. Skipping costs its distance, within the index. */
const PAGES: Readonly<Record<Exclude<JobState, 'active'>, string>> = {
  waiting: 'SELECT job AS number FROM job_line WHERE queue = ? AND hole = 0 ORDER BY rank, place LIMIT ? OFFSET ?',
  delayed: 'SELECT number FROM job WHERE queue = ? AND due_at IS NOT NULL ORDER BY due_at, id LIMIT ? OFFSET ?',
  completed: finished(0),
  failed: finished(1),
  cancelled: finished(2),
};

const ASIDE = 'SELECT job AS number FROM job_aside WHERE queue = ? ORDER BY rank, place LIMIT ? OFFSET ?';

function finished(code: number): string {
  return `SELECT value AS number FROM job_batch CROSS JOIN json_each(jobs) WHERE queue = ? AND state = ${code}
    ORDER BY finished_at DESC, number DESC, key DESC LIMIT ? OFFSET ?`;
}

/** Jobs that are read before the event loop gets its turn. */
const AT_ONCE = 100;

/** A page of a queue's jobs: which they are is one state of the file, what they are is read in pieces. */
export async function inspectState(
  engine: Engine,
  namespace: number,
  { queue, state, limit, cursor }: StateInspection,
): Promise<QueueInspected> {
  const from = Number(cursor ?? 0);
  const { summary, numbers } = await engine.snapshot(() => {
    const row = findQueue(engine, namespace, queue);
    return {
      summary: toSummary(row ?? { name: queue }),
      // One more, to know whether there is a next page.
      numbers: row ? numbersOf(engine, row, state, limit + 1, from) : [],
    };
  });
  const jobs: JobRecord[] = [];
  for (let at = 0; at < Math.min(numbers.length, limit); at += AT_ONCE) {
    const piece = numbers.slice(at, Math.min(at + AT_ONCE, limit));
    const records = await engine.snapshot(() => {
      const row = findQueue(engine, namespace, queue);
      return row ? recordsOf(engine, row, piece) : [];
    });
    // One that has moved on meanwhile stands in no page of this state.
    jobs.push(...records.filter((job) => job.state === state));
  }
  return { queues: [summary], jobs, cursor: numbers.length > limit ? String(from + limit) : null };
}

function numbersOf(
  engine: Engine,
  row: Record<string, unknown>,
  state: JobState,
  limit: number,
  from: number,
): number[] {
  const number = Number(row.number);
  if (state === 'active') return activePage(leasesOf(engine, row), from, limit);
  const numbers = page(engine, PAGES[state], number, limit, from);
  if (state === 'waiting' && Number(row.aside) > 0 && numbers.length < limit) {
    const inLine = Number(row.waiting) - Number(row.aside);
    numbers.push(...page(engine, ASIDE, number, limit - numbers.length, Math.max(0, from - inLine)));
  }
  return numbers;
}

function page(engine: Engine, text: string, queue: number, limit: number, from: number): number[] {
  return engine
    .sql(text)
    .all(queue, limit, from)
    .map((row) => Number(row.number));
}

/** Longest running first. */
function activePage(leases: ReturnType<typeof leasesOf>, from: number, limit: number): number[] {
  return [...leases]
    .sort(([a, one], [b, other]) => one.startedAt - other.startedAt || (a < b ? -1 : 1))
    .slice(from, from + limit)
    .map(([, { number }]) => number);
}
