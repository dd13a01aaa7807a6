import {
  type Backend,
  type CopiedPart,
  copyBackend,
  createRuntime,
  heldParts,
  invalid,
  PortolanError,
} from '@portolan/core';
import { isSameStore, openStore } from '@portolan/platform';
import type { CopyCommand } from './arguments.ts';
import { showProgress } from './progress.ts';
import { stateFile } from './state-file.ts';
import { shownUrl } from './urls.ts';

/** Pages are large and nobody waits for a single one. */
const DEADLINE_MS = 30_000;

/** Answers the exit code: 0 when both sides are equal, 1 when they are not, 130 when it was interrupted. */
export async function copy(command: CopyCommand): Promise<number> {
  const { namespace, parts, pageSize, intoExisting } = command;
  if (isSameStore(command.from, command.to)) throw invalid('copy: both URLs are the same store');
  const runtime = createRuntime();
  const state = stateFile(command);
  const resumed = state.load() !== null;
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const from = await openStore(command.from, { namespace, runtime, deadlineMs: DEADLINE_MS, readOnly: true });
  const openTarget = async () => {
    // Before the target is opened, which makes it where there is none.
    if (!resumed) await refuseNothing(from, namespace);
    return openStore(command.to, { namespace, runtime, deadlineMs: DEADLINE_MS });
  };
  const to = await openTarget().catch(async (error) => {
    await from.close();
    throw error;
  });
  const progress = showProgress(process.stderr);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  try {
    await Promise.all([from.ping(), to.ping()]);
    const goesOn = resumed ? `, going on from ${state.path}` : '';
    say(`${shownUrl(command.from)} → ${shownUrl(command.to)}, namespace ${namespace}${goesOn}`);
    const started = performance.now();
    const copied = await copyBackend({
      from,
      to,
      runtime,
      parts,
      pageSize,
      state,
      intoExisting,
      signal: interrupted.signal,
      onProgress: progress.tell,
    });
    progress.end();
    for (const part of copied) say(resultLine(part));
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    // Whatever comes next begins anew: the advice below is to empty the target, and what is noted of it would not hold any more.
    state.remove();
    if (copied.every(({ equal }) => equal)) {
      say(`copied and verified in ${seconds} s`);
      return 0;
    }
    say(
      'the stores differ: something changed meanwhile, or the target held other data before. Empty the target, or name another file or database; ' +
        'stop what uses the source; and copy again.',
    );
    return 1;
  } catch (error) {
    progress.end();
    if (!PortolanError.is(error, 'CANCELLED')) throw error;
    say(`stopped; the same command goes on from ${state.path}`);
    return 130;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    await Promise.all([from.close(), to.close()]);
  }
}

/** A namespace that nobody wrote to is a slip: there would be nothing to copy, and nothing to differ. */
async function refuseNothing(from: Backend, namespace: string): Promise<void> {
  await from.ping();
  if ((await heldParts(from)).length === 0) {
    throw invalid(`copy: the source holds nothing under the namespace ${namespace}: name another with --namespace`);
  }
}

function resultLine({ part, from, to, equal }: CopiedPart): string {
  const count = (records: number) => records.toLocaleString('en').padStart(9);
  if (equal) return `${part.padEnd(9)} ${count(from.records)} records  ${from.sha256.slice(0, 16)}  equal`;
  const what = from.records === to.records ? 'contents differ' : `${to.records.toLocaleString('en')} in the target`;
  return `${part.padEnd(9)} ${count(from.records)} records  ${from.sha256.slice(0, 16)}  DIFFERENT: ${what}, ${to.sha256.slice(0, 16)}`;
}
