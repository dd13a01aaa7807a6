import { PortolanError } from '../errors.ts';
import { type JobWaiters, waitersOf } from '../job-waiters.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { ExchangeResult, Retention } from '../ports/queue-exchange.ts';
import type { Runtime } from '../runtime.ts';
import { Ahead, handBack } from './ahead.ts';
import { type Finished, takeBatch } from './batch.ts';
import type { WorkerJobEvent } from './event.ts';
import { exchangeUntilAnswered } from './exchange-until-answered.ts';
import { Gate } from './gate.ts';
import type { Handler } from './handler.ts';
import type { Reporter } from './reporter.ts';
import { type Interruption, leaseLost, type Outcome, Run } from './run.ts';
import { runCalls } from './run-calls.ts';
import { judge } from './settle.ts';
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
  /** Most jobs that are claimed ahead of a slot to run in. */
  readonly ahead: number;
  /** Takes a slot, if one is free; else `beginAhead` is called when one is. */
  readonly take: () => boolean;
  /** So many slots are free again. */
  readonly freed: (slots: number) => void;
}

/**
 * One session in the store, and what it leases there: the jobs' runs, from the claim until the store has confirmed their end. One exchange under way at a
 * time; one without an answer is repeated with its nonce until it has one. A session that the store had swept goes on under a new id.
 */
export class Lane {
  /** Tells the loop that drives the lane that something has changed. */
  readonly gate = new Gate();
  /** Runs that have not begun. */
  readonly ahead: Ahead;
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
    this.ahead = new Ahead(options.ahead, options.runtime);
  }

  get held(): readonly Run[] {
    return [...this.#held.values()];
  }

  /** Runs that have begun and have not ended. */
  get active(): readonly Run[] {
    return this.held.filter(({ running }) => running);
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
    this.ahead.clear();
    this.gate.notify();
  }

  /** Begins what waits in hand, as far as there are slots. */
  beginAhead(): void {
    while (this.ahead.size > 0 && this.#options.take()) {
      const run = this.ahead.next();
      if (!run) return;
      run.startedAt = this.#options.runtime.clock.now();
      this.#start(run);
    }
  }

  /** Gives up on the store: what is still held is left to the lease. */
  abandon(): void {
    this.#abandoned.abort();
    this.gate.notify();
  }

  interruptAll(by: Interruption, error: PortolanError): void {
    for (const run of this.#held.values()) run.interrupt(by, error);
  }

  /** Settles what has finished, claims up to `slots` jobs and begins them, and up to `ahead` that wait for a slot. Undefined when abandoned meanwhile. */
  async exchange(slots: number, ahead: number): Promise<ExchangeResult | undefined> {
    const { port, queue, runtime, leaseMs, retention, freed } = this.#options;
    if (this.#gone && this.#held.size === 0) this.#id = runtime.id();
    this.#gone = false;
    this.#hold(this.#id);
    const finished = takeBatch(this.#finished);
    const before = this.#held.size > finished.length ? this.held : [];
    this.#settling = new Set(finished.map(({ run }) => run));
    const request = {
      session: this.#id,
      nonce: String(++this.#exchanges),
      leaseMs,
      settled: finished.map(({ verdict }) => verdict.settlement),
      claim: slots + ahead,
      retention,
    };
    const result = await exchangeUntilAnswered(port, queue, request, runtime, this.#abandoned.signal);
    this.#settling = new Set();
    freed(Math.max(slots - (result?.jobs.length ?? 0), 0));
    if (!result) return undefined;
    this.#confirm(finished, result.refused);
    if (result.created) for (const run of before) this.#lose(run);
    this.#begin(result, slots);
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

  #begin(result: ExchangeResult, slots: number): void {
    const { runtime, queue, handlers, maxResultBytes, limits, port } = this.#options;
    const calls = runCalls(port, queue, this.#id);
    const options = { queue, runtime, handlers, maxResultBytes, limits, ...calls, end: this.#end };
    const runs = result.jobs.map((job) => new Run(job, options));
    for (const run of runs) this.#held.set(run.job.id, run);
    for (const run of runs.slice(slots)) this.ahead.add(run);
    // A job whose worker has vanished may be what ended it: with others in hand, nothing begins before these are back in the store.
    const refused = runs.length > slots && result.jobs.some(({ stalls }) => stalls > 0);
    if (this.ahead.size > 0 && (refused || this.#stopping || !this.ahead.sure)) this.ahead.clear();
    if (refused) handBack(runs.slice(0, slots));
    else for (const run of runs.slice(0, slots)) this.#start(run);
    this.beginAhead();
  }

  #start(run: Run): void {
    if (this.#stopping) run.interrupt('stopped', new PortolanError('CANCELLED', 'the worker is stopping'));
    else this.#report(run, { type: 'taken' });
    run.start();
  }

  readonly #end = (run: Run, outcome: Outcome): void => {
    const now = this.#options.runtime.clock.now();
    const verdict = judge(run, outcome, now, Math.random);
    if (!verdict) this.#lose(run);
    else if (this.#held.get(run.job.id) === run) this.#finished.push({ run, verdict });
    if (!this.ahead.drop(run)) {
      if (run.started) this.ahead.ended(now - run.startedAt);
      this.#options.freed(1);
      this.beginAhead();
    }
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
    // Nobody has heard of one that was claimed and handed back.
    if (!reporter.wants(event.type) || (event.type === 'released' && !run.started)) return;
    const { id, queue, name, startedAt, job } = run;
    reporter.report({ ...event, id, queue, name, attempt: job.attempt, ms: runtime.clock.now() - startedAt });
  }
}
