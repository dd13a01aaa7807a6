import { invalid } from '../errors.ts';
import type { JobDefinition } from '../job.ts';
import { type Logger, type Runtime, withFields } from '../runtime.ts';
import type { InputOf, OutputOf, Schema } from '../schema.ts';
import type { Handler, JobContext } from './handler.ts';

export interface ManyOptions {
  /** Jobs in a list at most. A worker never runs more at a time than its concurrency, so that should be no less. */
  readonly most: number;
  /** ms that a list waits for more jobs before it is run, part of their `timeoutMs`; 0, if not said, for those alone that the worker took together. */
  readonly waitMs?: number;
}

/** What the handler of a list knows of it. */
export interface ManyContext {
  /** The jobs, in the order of their inputs: each with the signal of its own run, its progress and its logger. */
  readonly jobs: readonly JobContext[];
  /** Aborts once none of the jobs counts any more: each has timed out, was cancelled, lost its lease, or the worker stops. */
  readonly signal: AbortSignal;
  /** Adds the jobs' name and number to every entry. */
  readonly logger: Logger;
}

const FAILED = Symbol.for('portolan.failed');

/** In the place of an output: this job has failed. Made by `failed`. */
export interface FailedOutput {
  readonly [FAILED]: unknown;
}

/** The output of one job of a list that has failed, while others have not. `error` counts as if it had been thrown for that job alone. */
export function failed(error: unknown): FailedOutput {
  return { [FAILED]: error };
}

/**
 * Ties a job to code that runs many of its kind at once, as one statement for many rows does. The worker gathers jobs into lists, calls `run` for each list, and
 * settles each job by itself: by the output in its place, which may be `failed(error)`. Throwing fails the attempts of all. Inputs and outputs are
 * checked one by one, and a wrong one fails its job alone. Each job takes a slot; several lists may run at a time.
 */
export function handleMany<I extends Schema, O extends Schema>(
  job: JobDefinition<I, O>,
  { most, waitMs = 0 }: ManyOptions,
  run: (inputs: readonly OutputOf<I>[], context: ManyContext) => Outputs<O> | Promise<Outputs<O>>,
): Handler {
  if (!Number.isInteger(most) || most < 1) throw invalid(`job ${job.name}: most must be a whole number from 1`);
  if (!(waitMs >= 0 && waitMs < job.timeoutMs)) {
    throw invalid(`job ${job.name}: waitMs must lie between 0 and its timeout of ${job.timeoutMs} ms`);
  }
  const runList: RunList = async (inputs, context) => run(inputs as OutputOf<I>[], context);
  const bind = (runtime: Runtime): Handler => {
    const lists = new Lists(job, { most, waitMs, runtime, run: runList });
    return { definition: job, atOnce: most, run: (data, context) => lists.add(data, context) };
  };
  return {
    definition: job,
    bind,
    run() {
      throw invalid(`job ${job.name}: its handler runs in a worker only`);
    },
  };
}

type Outputs<O extends Schema> = readonly (InputOf<O> | FailedOutput)[];
type RunList = (inputs: readonly unknown[], context: ManyContext) => Promise<readonly unknown[]>;

interface Item {
  readonly data: unknown;
  readonly context: JobContext;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface ListOptions {
  readonly most: number;
  readonly waitMs: number;
  readonly runtime: Runtime;
  readonly run: RunList;
}

/** The lists of one job in one worker. One is open at a time, from its first job to its last. */
class Lists {
  readonly #job: JobDefinition;
  readonly #options: ListOptions;
  #open: Item[] = [];
  /** Ends the open list's wait for more. */
  #waiting: AbortController | undefined;

  constructor(job: JobDefinition, options: ListOptions) {
    this.#job = job;
    this.#options = options;
  }

  /** The output of a job, once its list has run. */
  add(data: unknown, context: JobContext): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const item = { data, context, resolve, reject };
      this.#open.push(item);
      context.signal.addEventListener('abort', () => this.#drop(item), { once: true });
      if (this.#open.length === this.#options.most) this.#close();
      else if (!this.#waiting) void this.#wait();
    });
  }

  /** A run that ended before its list began stands in no list. */
  #drop(item: Item): void {
    this.#open = this.#open.filter((one) => one !== item);
    item.reject(item.context.signal.reason);
  }

  /** Jobs of one exchange are begun in one go, so all whose input is checked at once have come when the microtasks behind the first are run. */
  async #wait(): Promise<void> {
    const { runtime, waitMs } = this.#options;
    const waiting = new AbortController();
    this.#waiting = waiting;
    await (waitMs > 0 ? runtime.sleep(waitMs, waiting.signal) : undefined);
    if (this.#waiting === waiting) this.#close();
  }

  #close(): void {
    const items = this.#open;
    this.#open = [];
    this.#waiting?.abort();
    this.#waiting = undefined;
    if (items.length > 0) void this.#run(items);
  }

  async #run(items: readonly Item[]): Promise<void> {
    const { name } = this.#job;
    const { run, runtime } = this.#options;
    const logger = withFields(runtime.logger, { name, jobs: items.length });
    const jobs = items.map(({ context }) => context);
    try {
      const inputs = items.map(({ data }) => data);
      const outputs = await run(inputs, { jobs, signal: whenAll(jobs), logger });
      if (!Array.isArray(outputs) || outputs.length !== items.length) {
        throw invalid(`job ${name}: its handler must answer as many outputs as it got inputs, ${items.length}`);
      }
      items.forEach(({ resolve, reject }, index) => {
        const output = outputs[index];
        if (isFailed(output)) reject(output[FAILED]);
        else resolve(output);
      });
    } catch (error) {
      for (const { reject } of items) reject(error);
    }
  }
}

function isFailed(output: unknown): output is FailedOutput {
  return typeof output === 'object' && output !== null && FAILED in output;
}

/** Aborts when the last of the signals has, with its reason. */
function whenAll(jobs: readonly JobContext[]): AbortSignal {
  const all = new AbortController();
  let left = jobs.length;
  for (const { signal } of jobs) {
    signal.addEventListener(
      'abort',
      () => {
        left -= 1;
        if (left === 0) all.abort(signal.reason);
      },
      { once: true },
    );
  }
  return all.signal;
}
