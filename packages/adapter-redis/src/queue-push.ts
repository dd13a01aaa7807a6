import type { NewJob, PushedJob } from '@portolan/core';
import type { RedisArgument } from './connection.ts';

/** The answer of queue-scripts/push.ts. */
type PushAnswer = readonly [known: readonly number[], others: readonly (string | number)[]];

/** Jobs as queue-scripts/push.ts wants them: the plain ones first, which cost least. */
export interface PushBatch {
  readonly args: readonly RedisArgument[];
  readonly read: (answer: unknown) => PushedJob[];
}

export function pushBatch(jobs: readonly NewJob[]): PushBatch {
  const plainOf = mayComeFirst(jobs) ? isPlain : () => false;
  const plain: RedisArgument[] = [];
  const others: RedisArgument[] = [];
  for (const job of jobs) {
    if (plainOf(job)) plain.push(job.id, job.body);
    else others.push(job.id, job.body, priorityArg(job), job.delayMs, dedupeArg(job), kinArg(job));
  }
  return {
    args: [plain.length / 2, ...plain, ...others],
    read: (answer) => {
      const [known, stands] = answer as PushAnswer;
      const existed = new Set(known);
      let first = 0;
      let other = 0;
      return jobs.map((job) => {
        if (plainOf(job)) return { id: job.id, created: !existed.has(++first) };
        other += 2;
        return { id: String(stands[other - 2]), created: stands[other - 1] === 1 };
      });
    },
  };
}

const priorityArg = ({ priority, group }: NewJob): RedisArgument =>
  group === undefined ? priority : `${priority}:${group}`;

function dedupeArg({ dedupeKey, dedupe = 'keep' }: NewJob): string {
  return dedupeKey === undefined ? '' : `${dedupe === 'keep' ? '=' : dedupe === 'replace' ? '!' : '~'}${dedupeKey}`;
}

const hasKin = ({ awaits = 0, parent = '' }: NewJob): boolean => awaits > 0 || parent !== '';
const kinArg = (job: NewJob): string => (hasKin(job) ? `${job.awaits ?? 0}:${job.parent ?? ''}` : '');

const isPlain = (job: NewJob): boolean =>
  job.priority === 0 && job.delayMs === 0 && job.dedupeKey === undefined && job.group === undefined && !hasKin(job);

/** Plain jobs may be stored before the others where that changes nothing: none of the others stands in line with them, and no id comes in both ways. */
function mayComeFirst(jobs: readonly NewJob[]): boolean {
  const others = jobs.filter((job) => !isPlain(job));
  if (others.length === 0) return true;
  if (others.some((job) => job.delayMs === 0 && (job.priority === 0 || job.dedupeKey !== undefined))) return false;
  const ids = new Set(others.map((job) => job.id));
  return !jobs.some((job) => isPlain(job) && ids.has(job.id));
}
