import { invalid, type Logger, PortolanError, type Runtime, type Topics } from '@portolan/core';
import { z } from 'zod';

/** Where every run of a task is announced when it ends. */
const TASKS_TOPIC = 'system.tasks';

export type Task = (args: unknown, signal: AbortSignal) => Promise<unknown>;

const sleepArgs = z.strictObject({ ms: z.int().min(0).max(600_000) });

/** The tasks that `task.run` knows, by name. */
export function builtInTasks(runtime: Runtime, pingStore: () => Promise<void>): ReadonlyMap<string, Task> {
  return new Map<string, Task>([
    [
      'sleep',
      async (args, signal) => {
        const parsed = sleepArgs.safeParse(args);
        if (!parsed.success) throw invalid('task sleep: ms must be a whole number up to 600000');
        await runtime.sleep(parsed.data.ms, signal);
        return { slept: parsed.data.ms };
      },
    ],
    [
      'memory',
      async () => {
        const { rss, heapUsed } = process.memoryUsage();
        return { rss, heapUsed };
      },
    ],
    ['store.ping', async () => pingStore()],
  ]);
}

/** Runs named tasks in the background of this process. */
export class TaskRunner {
  readonly #tasks: ReadonlyMap<string, Task>;
  readonly #topics: Topics;
  readonly #runtime: Runtime;
  readonly #instance: () => string;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(tasks: ReadonlyMap<string, Task>, topics: Topics, runtime: Runtime, instance: () => string) {
    this.#tasks = tasks;
    this.#topics = topics;
    this.#runtime = runtime;
    this.#instance = instance;
  }

  /** Starts a task and answers its run id at once; how it ends is published to `system.tasks` and logged. */
  start(name: string, args: unknown): { run: string } {
    const task = this.#tasks.get(name);
    if (!task) {
      throw new PortolanError('NOT_FOUND', `task ${name} is unknown; known are ${[...this.#tasks.keys()].join(', ')}`);
    }
    const run = this.#runtime.id();
    const running = this.#run(run, name, task, args).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return { run };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #run(run: string, name: string, task: Task, args: unknown): Promise<void> {
    const log: Logger = this.#runtime.logger;
    let ended: { outcome: 'ok'; result?: unknown } | { outcome: 'failed'; message: string };
    try {
      ended = { outcome: 'ok', result: await task(args, this.#stopping.signal) };
    } catch (error) {
      ended = { outcome: 'failed', message: PortolanError.is(error) ? error.message : 'internal error' };
    }
    log.info({ task: name, run, outcome: ended.outcome }, 'task ended');
    await this.#topics
      .publish(TASKS_TOPIC, { run, task: name, instance: this.#instance(), ...ended })
      .catch((error: Error) => log.warn({ task: name, run, reason: error.message }, 'end of task not announced'));
  }
}
