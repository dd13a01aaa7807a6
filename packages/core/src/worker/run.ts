import { PortolanError } from '../errors.ts';
import { decodeEnvelope, type JobEnvelope, jobId } from '../job-envelope.ts';
import type { LeasedJob } from '../ports/queue.ts';
import { jobError } from '../retry-policy.ts';
import type { Logger, Runtime } from '../runtime.ts';
import { encodeJson, parse } from '../schema.ts';
import type { Handler, JobContext } from './handler.ts';

/** Why a run ended before its handler did. */
export type Interruption = 'timeout' | 'cancelled' | 'lost' | 'stopped';

/** How a run ended, before policy decides what becomes of the job. */
export type Outcome =
  | { readonly kind: 'completed'; readonly result: string }
  | { readonly kind: 'failed'; readonly error: PortolanError }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'interrupted'; readonly by: Interruption; readonly error: PortolanError };

export interface RunOptions {
  readonly queue: string;
  readonly runtime: Runtime;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly maxResultBytes: number;
  /** Stores progress; `false` when the lease is lost. */
  readonly report: (local: string, progress: string) => Promise<boolean>;
}

const MAX_PROGRESS_CHARACTERS = 16 * 1024;
/** A reason at hand: without one, an abort makes an exception with its stack. */
const DONE = 'done';

/** One run of one leased job. */
export class Run {
  readonly id: string;
  readonly job: LeasedJob;
  readonly queue: string;
  readonly name: string;
  /** ms on this process's clock. */
  readonly startedAt: number;
  readonly handler: Handler | undefined;
  /** Undefined for a body that is not ours. */
  readonly envelope: JobEnvelope | undefined;
  readonly #options: RunOptions;
  readonly #abort = new AbortController();
  readonly #interrupted = Promise.withResolvers<Outcome>();

  constructor(job: LeasedJob, options: RunOptions) {
    this.job = job;
    this.queue = options.queue;
    this.id = jobId(options.queue, job.id);
    this.startedAt = options.runtime.clock.now();
    this.#options = options;
    this.envelope = readEnvelope(job, this.id);
    this.name = this.envelope?.name ?? '';
    this.handler = options.handlers.get(this.name);
  }

  /** Ends the run now: its outcome is the interruption, whatever the handler still does. The first one counts. */
  interrupt(by: Interruption, error: PortolanError): void {
    this.#interrupted.resolve({ kind: 'interrupted', by, error });
    this.#abort.abort(error);
  }

  /** Never rejects. */
  async outcome(): Promise<Outcome> {
    if (!this.envelope) return { kind: 'failed', error: new PortolanError('INVALID', 'the body does not hold a job') };
    if (!this.handler) return { kind: 'unknown' };
    const done = new AbortController();
    const outcome = await Promise.race([
      this.#interrupted.promise,
      this.#handle(this.handler, this.envelope.data),
      this.#timeout(this.handler.definition.timeoutMs, done.signal),
    ]);
    done.abort(DONE);
    return outcome;
  }

  async #handle(handler: Handler, data: unknown): Promise<Outcome> {
    const { name, input, output } = handler.definition;
    try {
      const value = await handler.run(await parse(input, data, `input of job ${name}`), this.#context());
      const result = encodeJson(await this.#checked(output, value, name), `result of job ${name}`);
      if (Buffer.byteLength(result) > this.#options.maxResultBytes) {
        throw new PortolanError(
          'TOO_LARGE',
          `result of job ${name}: more than ${this.#options.maxResultBytes} bytes of JSON`,
        );
      }
      return { kind: 'completed', result };
    } catch (thrown) {
      return { kind: 'failed', error: jobError(thrown) };
    }
  }

  /** A job without a result completes with null. */
  async #checked(output: Handler['definition']['output'], value: unknown, name: string): Promise<unknown> {
    return (await parse(output, value, `result of job ${name}`)) ?? null;
  }

  async #timeout(ms: number, done: AbortSignal): Promise<Outcome> {
    await this.#options.runtime.sleep(ms, done);
    const error = new PortolanError('TIMEOUT', `job ${this.name} took longer than ${ms} ms`);
    if (!done.aborted) this.#abort.abort(error);
    return { kind: 'interrupted', by: 'timeout', error };
  }

  #context(): JobContext {
    const { runtime } = this.#options;
    const { attempt } = this.job;
    return {
      id: this.id,
      queue: this.queue,
      attempt,
      signal: this.#abort.signal,
      progress: (value) => this.#progress(value),
      logger: withFields(runtime.logger, { job: this.id, name: this.name, attempt }),
    };
  }

  async #progress(value: unknown): Promise<void> {
    const text = encodeJson(value, `progress of job ${this.name}`);
    if (text.length > MAX_PROGRESS_CHARACTERS) {
      throw new PortolanError(
        'TOO_LARGE',
        `progress of job ${this.name}: more than ${MAX_PROGRESS_CHARACTERS} characters`,
      );
    }
    if (this.#abort.signal.aborted) return;
    try {
      if (!(await this.#options.report(this.job.id, text))) this.interrupt('lost', leaseLost());
    } catch (error) {
      if (!PortolanError.is(error) || !error.retryable) throw error;
    }
  }
}

export function leaseLost(): PortolanError {
  return new PortolanError('CONFLICT', 'the lease was lost: the job may run elsewhere');
}

function readEnvelope(job: LeasedJob, id: string): JobEnvelope | undefined {
  try {
    return decodeEnvelope(job.body, `job ${id}`);
  } catch {
    return undefined;
  }
}

function withFields(logger: Logger, fields: object): Logger {
  const add =
    (level: keyof Logger) =>
    (more: object, message: string): void =>
      logger[level]({ ...fields, ...more }, message);
  return { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') };
}
