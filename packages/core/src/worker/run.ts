import { PortolanError } from '../errors.ts';
import type { ChildOutcome } from '../flow-part.ts';
import { unknownKey } from '../job-cipher.ts';
import { decodeEnvelope, type JobEnvelope, jobId } from '../job-envelope.ts';
import { upgradeData } from '../job-version.ts';
import type { LeasedJob } from '../ports/queue-exchange.ts';
import { jobError } from '../retry-policy.ts';
import { type Logger, type Runtime, withFields } from '../runtime.ts';
import { encodeJson, parseSoon } from '../schema.ts';
import type { Handler } from './handler.ts';
import { JobLog } from './job-log.ts';
import { RunContext } from './run-context.ts';
import type { Limited, TimeLimits } from './time-limits.ts';

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
  readonly limits: TimeLimits;
  /** The parts that stand with the job. */
  readonly parts: (local: string) => Promise<Record<string, ChildOutcome>>;
  /** Stores progress; `false` when the lease is lost. */
  readonly report: (local: string, progress: string) => Promise<boolean>;
  /** Stores lines of a job's log; `false` when the lease is lost. */
  readonly log: (local: string, lines: readonly string[]) => Promise<boolean>;
  /** Called once, when the run has ended. */
  readonly end: (run: Run, outcome: Outcome) => void;
}

const nothing = (): void => undefined;
const MAX_PROGRESS_CHARACTERS = 16 * 1024;

/** One run of one leased job. What few handlers use (the signal, the logger) is made when it is asked for. */
export class Run implements Limited {
  static #made = 0;
  /** Grows from claim to claim. */
  readonly order = ++Run.#made;
  readonly id: string;
  readonly job: LeasedJob;
  readonly queue: string;
  readonly name: string;
  /** When it began, or was claimed if it has not. */
  startedAt: number;
  /** Undefined for a job that is not known here, or only in an older version. */
  readonly handler: Handler | undefined;
  /** Undefined for a body that is not ours. */
  readonly envelope: JobEnvelope | undefined;
  readonly #options: RunOptions;
  #abort: AbortController | undefined;
  #log: JobLog | undefined;
  /** Why the run was interrupted. */
  #reason: PortolanError | undefined;
  #started = false;
  /** When its timeout began; NaN before. */
  #begunAt = Number.NaN;
  #ended = false;

  constructor(job: LeasedJob, options: RunOptions) {
    this.job = job;
    this.queue = options.queue;
    this.id = jobId(options.queue, job.id);
    this.startedAt = options.runtime.clock.now();
    this.#options = options;
    this.envelope = readEnvelope(job, this.id);
    this.name = this.envelope?.name ?? '';
    const handler = options.handlers.get(this.name);
    const version = this.envelope?.version ?? 1;
    this.handler = handler && version <= handler.definition.version ? handler : undefined;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#reason) this.#abort.abort(this.#reason);
    }
    return this.#abort.signal;
  }

  /** It has begun, and was not interrupted before. */
  get started(): boolean {
    return this.#started;
  }

  get running(): boolean {
    return this.#started && !this.#ended;
  }

  get logger(): Logger {
    return withFields(this.#options.runtime.logger, { job: this.id, name: this.name, attempt: this.job.attempt });
  }

  get begunAt(): number {
    return this.#begunAt;
  }

  /** Ends the run now: its outcome is the interruption, whatever the handler still does. The first one counts. */
  interrupt(by: Interruption, error: PortolanError): void {
    this.#reason ??= error;
    this.#end({ kind: 'interrupted', by, error });
    this.#abort?.abort(error);
  }

  expire(): void {
    const limit = this.handler?.definition.timeoutMs;
    this.interrupt('timeout', new PortolanError('TIMEOUT', `job ${this.name} took longer than ${limit} ms`));
  }

  /** Runs the handler, unless the run was interrupted before. Once only. */
  start(): void {
    if (this.#ended) return;
    this.#started = true;
    if (!this.envelope) {
      this.#end({ kind: 'failed', error: new PortolanError('INVALID', 'the body does not hold a job') });
    } else if (!this.handler) {
      this.#end({ kind: 'unknown' });
    } else if (this.envelope.unknownKey !== undefined) {
      const error = unknownKey(`the data of job ${this.id}`, this.envelope.unknownKey);
      this.#end({ kind: 'failed', error });
    } else {
      if (!this.handler.waits) this.#limit(this.handler, this.startedAt);
      void this.#handle(this.handler, this.envelope);
    }
  }

  #limit({ definition }: Handler, begunAt: number): void {
    this.#begunAt = begunAt;
    this.#options.limits.add(definition.timeoutMs, this);
  }

  /** The timeout of a handler that `waits` begins. Only the first call counts. */
  #begin(handler: Handler): void {
    if (!this.#ended && Number.isNaN(this.#begunAt)) this.#limit(handler, this.#options.runtime.clock.now());
  }

  #end(outcome: Outcome): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.handler && !Number.isNaN(this.#begunAt))
      this.#options.limits.remove(this.handler.definition.timeoutMs, this);
    const { end } = this.#options;
    // The last lines are stored before the end is: behind it, they would be refused.
    if (this.#log) void this.#log.flushed().then(() => end(this, outcome));
    else end(this, outcome);
  }

  /** Few promises: most schemas answer at once, and most of what a short run costs is waiting. */
  async #handle(handler: Handler, { version, data, createdAt }: JobEnvelope): Promise<void> {
    const { definition } = handler;
    const { name, input, output } = definition;
    let outcome: Outcome;
    try {
      const given = version === definition.version ? data : await upgradeData(definition, version, data);
      const checked = parseSoon(input, given, `input of job ${name}`);
      const value = await handler.run(
        checked instanceof Promise ? await checked : checked,
        new RunContext(this, createdAt),
        handler.waits ? () => this.#begin(handler) : nothing,
      );
      const answer = parseSoon(output, value, `result of job ${name}`);
      outcome = this.#completed(answer instanceof Promise ? await answer : answer);
    } catch (thrown) {
      outcome = { kind: 'failed', error: jobError(thrown) };
    }
    this.#end(outcome);
  }

  /** A job without a result completes with null. */
  #completed(value: unknown): Outcome {
    const what = `result of job ${this.name}`;
    const result = encodeJson(value ?? null, what);
    const { maxResultBytes } = this.#options;
    if (result.length * 3 > maxResultBytes && Buffer.byteLength(result) > maxResultBytes) {
      throw new PortolanError('TOO_LARGE', `${what}: more than ${maxResultBytes} bytes of JSON`);
    }
    return { kind: 'completed', result };
  }

  async children(): Promise<Record<string, ChildOutcome>> {
    return this.envelope?.children ? this.#options.parts(this.job.id) : {};
  }

  async progress(value: unknown): Promise<void> {
    const text = encodeJson(value, `progress of job ${this.name}`);
    if (text.length > MAX_PROGRESS_CHARACTERS) {
      throw new PortolanError(
        'TOO_LARGE',
        `progress of job ${this.name}: more than ${MAX_PROGRESS_CHARACTERS} characters`,
      );
    }
    if (!this.#reason) await this.#tell(() => this.#options.report(this.job.id, text));
  }

  log(line: string): void {
    if (this.#reason) return;
    this.#log ??= new JobLog((lines) =>
      this.#tell(() => this.#options.log(this.job.id, lines)).catch((error: unknown) => {
        this.logger.warn({ error }, 'Lines of a job could not be stored');
      }),
    );
    this.#log.add(String(line));
  }

  /** Best effort, as long as the lease lasts. */
  async #tell(call: () => Promise<boolean>): Promise<void> {
    try {
      if (!(await call())) this.interrupt('lost', leaseLost());
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
