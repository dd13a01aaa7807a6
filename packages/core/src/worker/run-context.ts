import type { Logger } from '../runtime.ts';
import type { JobContext } from './handler.ts';
import type { Run } from './run.ts';

/** What the handler sees of its run. */
export class RunContext implements JobContext {
  readonly id: string;
  readonly queue: string;
  readonly attempt: number;
  readonly createdAt: number;
  readonly #run: Run;

  constructor(run: Run, createdAt: number) {
    this.id = run.id;
    this.queue = run.queue;
    this.attempt = run.job.attempt;
    this.createdAt = createdAt;
    this.#run = run;
  }

  get schedule(): JobContext['schedule'] {
    return this.#run.envelope?.schedule;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get logger(): Logger {
    return this.#run.logger;
  }

  get children(): JobContext['children'] {
    return () => this.#run.children();
  }

  /** A function of its own, so that a handler may take it out of the context. */
  get progress(): JobContext['progress'] {
    return (value) => this.#run.progress(value);
  }

  get log(): JobContext['log'] {
    return (line) => this.#run.log(line);
  }
}
