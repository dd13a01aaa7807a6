import { answer, type Clock, type CommandHandler, defineCommand, PortolanError, type Worker } from '@portolan/core';
import { z } from 'zod';
import * as schema from './schema.ts';

/** The worker of a process. */
export interface AttachedWorker {
  readonly worker: Worker;
  /** Ends the process once the worker has stopped. Without it the process does more than to work, and its worker is not stopped alone. */
  readonly end?: () => void;
}

export interface WorkerTargets {
  /** Undefined while there is none here. */
  readonly attached: () => AttachedWorker | undefined;
  /** This process's id on the command bus. */
  readonly instance: () => string;
  readonly clock: Clock;
}

const MOST = 100;

export const listCommand = defineCommand({
  name: 'worker.list',
  input: z.strictObject({}),
  output: z.object({ worker: schema.worker.nullable() }),
  timeoutMs: 2_000,
});

const input = z.strictObject({
  instances: z.array(z.string().min(1).max(64)).min(1).max(1_000).optional().describe('only these; all unless told'),
});
/** `affected` is false, and nothing is done, where another instance was meant or no worker is; `state` is then null for the latter. */
const output = z.object({ affected: z.boolean(), state: schema.state.nullable() });
const quiet = defineCommand({ name: 'worker.quiet', input, output });
const resume = defineCommand({ name: 'worker.resume', input, output });
const stop = defineCommand({ name: 'worker.stop', input, output });

function describe({ state, concurrency, queues, active }: Worker, now: number): z.output<typeof schema.worker> {
  const longest = active.toSorted((one, other) => one.startedAt - other.startedAt).slice(0, MOST);
  return {
    state,
    concurrency,
    queues: queues.slice(0, MOST),
    active: active.length,
    jobs: longest.map(({ id, name, queue, startedAt }) => ({ id, name, queue, runningMs: now - startedAt })),
  };
}

function end({ worker, end }: AttachedWorker): void {
  if (!end) {
    throw new PortolanError(
      'CONFLICT',
      'this process does more than to work: make its worker quiet, or stop the process',
    );
  }
  void worker.stop();
  end();
}

/** Looked at often, so it is not worth a line in the log. */
export const answerList = ({ attached, clock }: WorkerTargets): CommandHandler =>
  answer(listCommand, () => {
    const worker = attached()?.worker;
    return { worker: worker ? describe(worker, clock.now()) : null };
  });

/** What changes workers. Nothing of it is stored: a process that starts anew takes jobs. */
export function workerCommands({ attached, instance }: WorkerTargets): CommandHandler[] {
  const change =
    (act: (attached: AttachedWorker) => void) =>
    ({ instances }: z.output<typeof input>): z.output<typeof output> => {
      const mine = attached();
      const affected = mine !== undefined && (instances === undefined || instances.includes(instance()));
      if (affected) act(mine);
      return { affected, state: mine?.worker.state ?? null };
    };
  return [
    answer(
      quiet,
      change(({ worker }) => worker.quiet()),
    ),
    answer(
      resume,
      change(({ worker }) => worker.resume()),
    ),
    answer(stop, change(end)),
  ];
}
