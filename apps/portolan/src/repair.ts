import { createRuntime, type PassOutcome, type Repair, reconcileQueues } from '@portolan/core';
import { openStore } from '@portolan/platform';
import type { RepairCommand } from './arguments.ts';
import { shownUrl } from './urls.ts';

const DEADLINE_MS = 30_000;

/** Answers the exit code: 0 whether there was something to repair or not, 130 when it was interrupted. */
export async function repair({ url, namespace, dryRun, json }: RepairCommand): Promise<number> {
  const runtime = createRuntime();
  const options = { namespace, runtime, deadlineMs: DEADLINE_MS };
  // A mistyped file is refused, not made.
  await (await openStore(url, { ...options, readOnly: true })).close();
  const backend = await openStore(url, options);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const queues: (PassOutcome & { readonly queue: string })[] = [];
  const say = (line: string) => json || process.stdout.write(`${line}\n`);
  try {
    await backend.ping();
    say(`${shownUrl(url)}, namespace ${namespace}`);
    await reconcileQueues(backend.queue, { runtime, dryRun, signal: interrupted.signal }, (queue, outcome) => {
      queues.push({ queue, ...outcome });
      say(`  ${queue}: ${told(outcome, dryRun)}`);
    });
    if (queues.length === 0 && !interrupted.signal.aborted) say('  no queues');
    if (json) process.stdout.write(`${JSON.stringify({ url: shownUrl(url), namespace, dryRun, queues }, null, 2)}\n`);
    if (!interrupted.signal.aborted) return 0;
    process.stderr.write('stopped; what was repaired stays so, and the same command begins anew\n');
    return 130;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    await backend.close();
  }
}

/** What each kind of repair is called, of so many. */
const WORDS: Readonly<Record<Repair, string>> = {
  jobs: 'jobs, debts or schedules that nobody would have come to',
  doubles: 'jobs in two states',
  strays: 'leftovers of what is gone',
  sums: 'counts, keys or orders',
  listings: 'missing from the list of queues',
};

function told({ looked, repaired }: PassOutcome, dryRun: boolean): string {
  const looks = `${looked.toLocaleString('en')} entries looked at`;
  const repairs = Object.entries(repaired).map(([kind, count]) =>
    kind === 'listings' ? WORDS.listings : `${count.toLocaleString('en')} ${WORDS[kind as Repair]}`,
  );
  if (repairs.length === 0) return `${looks}, nothing to repair`;
  return `${looks}; ${dryRun ? 'to be repaired' : 'repaired'}: ${repairs.join(', ')}`;
}
