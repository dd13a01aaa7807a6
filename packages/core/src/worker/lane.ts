import { PortolanError } from '../errors.ts';
import { readParts } from '../flow-children.ts';
import { type JobWaiters, waitersOf } from '../job-waiters.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { ExchangeRequest, ExchangeResult, Retention } from '../ports/queue-exchange.ts';
import type { Runtime } from '../runtime.ts';
import { batchOf } from './batch.ts';
import type { WorkerJobEvent } from './event.ts';
import { Gate } from './gate.ts';
import type { Handler } from './handler.ts';
import type { Reporter } from './reporter.ts';
import { type Interruption, leaseLost, type Outcome, Run } from './run.ts';
import { judge, type Verdict } from './settle.ts';
import type { TimeLimits } from './time-limits.ts';

export interface LaneOptions {
  readonly port: QueuePort;
  readonly runtime: Runtime;
  readonly queue: string;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly limits: TimeLimits;
  readonly leaseMs: number;
  readonly retention: Retention;
  readonly maxResultBytes: number;
  readonly reporter: Reporter;
  /** A function for the lane alone that is told its session's id before anything is leased under it, and undefined at the end. */
  readonly holder: () => (session: string | undefined) => void;
  /** A run of this many has ended, or was lost: its slot is free. */
  readonly freed: (slots: number) => void;
}

interface Finished {
  readonly run: Run;
  readonly verdict: Verdict;
}

const RETRY_MS = { first: 50, most: 1_000 };

/**
 * One session in the store, and what it leases there: the jobs' runs, from the claim until the store has confirmed their end. One exchange under way at a
 * time; one without an answer is repeated with its nonce until it has one. A session that the store had swept goes on under a new id.
 */
export class Lane {
  /** Tells the loop that drives the lane that something has changed. */
  readonly gate = new Gate();
  readonly #options: LaneOptions;
  readonly #hold: (session: string | undefined) => void;
  readonly #waiters: JobWaiters;
  readonly #unserve: () => void;
  readonly #abandoned = new AbortController();
  /** Runs whose lease is ours, by the job's id in the store, until the store has confirmed their end. */
  readonly #held = new Map<string, Run>();
  #finished: Finished[] = [];
  /** Runs whose end is being told to the store: what becomes of them only its answer says, whatever a beat says meanwhile. */
  #settling: ReadonlySet<Run> = new Set();
  #id: string;
  /** The store told that the session is gone: take a new id once nothing is held under this one. */
  #gone = false;
  #exchanges = 0;
  #stopping = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#hold = options.holder();
    this.#waiters = waitersOf(options.port);
    this.#unserve = this.#waiters.serve(options.queue);
    this.#id = options.runtime.id();
  }

  get held(): readonly Run[] {
    return [...this.#held.values()];
  }

  get empty(): boolean {
    return this.#held.size === 0;
  }

  /** Runs that have ended and are to be told to the store. */
  get finished(): number {
    return this.#finished.length;
  }

  get abandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  /** What is claimed from now on is handed back unrun. */
  stop(): void {
    this.#stopping = true;
    this.gate.notify();
  }

  /** Gives up on the store: what is still held is left to the lease. */
  abandon(): void {
    this.#abandoned.abort();
    this.gate.notify();
  }

  interruptAll(by: Interruption, error: PortolanError): void {
    for (const run of this.#held.values()) run.interrupt(by, error);
  }

  /** Settles what has finished, claims up to `slots` jobs and begins them. Undefined when abandoned meanwhile. */
  async exchange(slots: number): Promise<ExchangeResult | undefined> {
    const { runtime, leaseMs, retention, freed } = this.#options;
    if (this.#gone && this.#held.size === 0) this.#id = runtime.id();
    this.#gone = false;
    this.#hold(this.#id);
    const finished = this.#takeFinished();
    const before = this.#held.size > finished.length ? this.held : [];
    this.#settling = new Set(finished.map(({ run }) => run));
    const result = await this.#call({
      session: this.#id,
      nonce: String(++this.#exchanges),
      leaseMs,
      settled: finished.map(({ verdict }) => verdict.settlement),
      claim: slots,
      retention,
    });
    this.#settling = new Set();
    freed(slots - (result?.jobs.length ?? 0));
    if (!result) return undefined;
    this.#confirm(finished, result.refused);
    if (result.created) for (const run of before) this.#lose(run);
    this.#begin(result);
    this.#cancel(result.cancel);
    return result;
  }

  /** Nothing is leased any more, or will be. */
  end(): void {
    this.#hold(undefined);
    this.#unserve();
  }

  /** With nothing held: takes the session out of the store, where it would be forgotten otherwise only by a sweep of its queue. */
  async leave(): Promise<void> {
    if (this.abandoned || this.#exchanges === 0) return;
    const { port, queue, retention } = this.#options;
    const nonce = String(++this.#exchanges);
    await port.exchange(queue, { session: this.#id, nonce, leaseMs: 0, settled: [], claim: 0, retention });
  }

  /** Renews the leases, learns what was lost or cancelled. Costs nothing while nothing is held. */
  async beat(): Promise<void> {
    const held = this.held;
    if (held.length === 0) return;
    const { port, queue, leaseMs } = this.#options;
    const id = this.#id;
    const { alive, cancel } = await port.beat(queue, id, leaseMs);
    if (id !== this.#id) return;
    if (!alive) {
      this.#gone = true;
      for (const run of held) if (!this.#settling.has(run)) this.#lose(run);
    }
    this.#cancel(cancel);
  }

  #takeFinished(): Finished[] {
    const all = this.#finished;
    const most = batchOf(all);
    if (most < all.length) return all.splice(0, most);
    this.#finished = [];
    return all;
  }

  /** Until answered, or abandoned. */
  async #call(request: ExchangeRequest): Promise<ExchangeResult | undefined> {
    const { port, queue, runtime } = this.#options;
    for (let pause = RETRY_MS.first; !this.abandoned; pause = Math.min(pause * 2, RETRY_MS.most)) {
      try {
        return await port.exchange(queue, request);
      } catch (error) {
        const { code, message } = PortolanError.from(error);
        const level = pause === RETRY_MS.first ? 'warn' : 'debug';
        runtime.logger[level]({ queue, code, reason: message }, 'The queue does not answer its worker; trying on');
        await runtime.sleep(pause, this.#abandoned.signal);
      }
    }
    return undefined;
  }

  #confirm(finished: readonly Finished[], refusedIds: readonly string[]): void {
    const refused = new Set(refusedIds);
    for (const { run, verdict } of finished) {
      if (this.#held.get(run.job.id) !== run) continue;
      this.#held.delete(run.job.id);
      const lost = refused.has(run.job.id);
      if (!lost) this.#waiters.tell(run.queue, verdict.settlement);
      this.#report(run, lost ? { type: 'lost' } : verdict.event);
    }
  }

  #begin(result: ExchangeResult): void {
    const { runtime, queue, handlers, maxResultBytes, limits, port } = this.#options;
    const session = this.#id;
    const report = async (id: string, progress: string): Promise<boolean> =>
      (await port.amend(queue, { do: 'progress', id, session, progress })) === 'done';
    const parts = (id: string) => readParts(port, queue, id);
    const log = async (id: string, lines: readonly string[]): Promise<boolean> =>
      (await port.amend(queue, { do: 'log', id, session, lines })) === 'done';
    const options = { queue, runtime, handlers, maxResultBytes, limits, report, log, parts, end: this.#end };
    for (const job of result.jobs) {
      const run = new Run(job, options);
      this.#held.set(job.id, run);
      if (this.#stopping) run.interrupt('stopped', new PortolanError('CANCELLED', 'the worker is stopping'));
      else this.#report(run, { type: 'taken' });
      run.start();
    }
  }

  readonly #end = (run: Run, outcome: Outcome): void => {
    const verdict = judge(run, outcome, this.#options.runtime.clock.now(), Math.random);
    if (!verdict) this.#lose(run);
    else if (this.#held.get(run.job.id) === run) this.#finished.push({ run, verdict });
    this.#options.freed(1);
    this.gate.notify();
  };

  #cancel(ids: readonly string[]): void {
    for (const id of ids) {
      this.#held.get(id)?.interrupt('cancelled', new PortolanError('CANCELLED', 'the job was cancelled'));
    }
  }

  #lose(run: Run): void {
    if (this.#held.get(run.job.id) !== run) return;
    this.#held.delete(run.job.id);
    this.#finished = this.#finished.filter((one) => one.run !== run);
    run.interrupt('lost', leaseLost());
    this.#report(run, { type: 'lost' });
    this.gate.notify();
  }

  #report(run: Run, event: Pick<WorkerJobEvent, 'type' | 'error'>): void {
    const { reporter, runtime } = this.#options;
    if (!reporter.wants(event.type)) return;
    const { id, queue, name, startedAt, job } = run;
    reporter.report({ ...event, id, queue, name, attempt: job.attempt, ms: runtime.clock.now() - startedAt });
  }
}
