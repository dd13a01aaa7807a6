import { PortolanError } from '../errors.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { ExchangeRequest, ExchangeResult, Retention } from '../ports/queue-exchange.ts';
import type { Runtime } from '../runtime.ts';
import type { WorkerEvent, WorkerJobEvent } from './event.ts';
import { Gate } from './gate.ts';
import type { Handler } from './handler.ts';
import { Listener } from './listener.ts';
import type { Pool, SlotUser } from './pool.ts';
import { type Interruption, leaseLost, Run } from './run.ts';
import { judge, type Verdict } from './settle.ts';
import type { TimeLimits } from './time-limits.ts';

export interface SessionOptions {
  readonly port: QueuePort;
  readonly runtime: Runtime;
  readonly queue: string;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly pool: Pool;
  readonly limits: TimeLimits;
  readonly leaseMs: number;
  readonly retention: Retention;
  readonly maxResultBytes: number;
  /** Told of the session's id before anything is leased under it. */
  readonly hold: (session: string) => void;
  readonly emit: (event: WorkerEvent) => void;
}

interface Finished {
  readonly run: Run;
  readonly verdict: Verdict;
}

/** At most this many jobs are settled, and as many claimed, in one exchange. */
const MAX_BATCH = 500;
const RETRY_MS = { first: 50, most: 1_000 };

/**
 * A worker's dealings with one queue. One loop, one exchange under way at a time: each carries everything that finished meanwhile and claims as many
 * jobs as there are slots, so batches form by themselves under load and an idle worker pays no delay. An exchange without an answer is repeated with
 * its nonce until it has one. A session that the store had swept goes on under a new id.
 */
export class QueueSession implements SlotUser {
  readonly #options: SessionOptions;
  readonly #listener: Listener;
  readonly #gate = new Gate();
  readonly #abandoned = new AbortController();
  /** Runs whose lease is ours, by the job's id in the store, until the store has confirmed their end. */
  readonly #held = new Map<string, Run>();
  #finished: Finished[] = [];
  #id: string;
  /** The store told that the session is gone: take a new id once nothing is held under this one. */
  #gone = false;
  #mayHaveWork = true;
  #exchanges = 0;
  #stopping = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#id = options.runtime.id();
    this.#listener = new Listener(options.port, options.runtime, options.queue, () => {
      this.#mayHaveWork = true;
      this.#gate.notify();
    });
  }

  get queue(): string {
    return this.#options.queue;
  }

  get held(): readonly Run[] {
    return [...this.#held.values()];
  }

  slotsFreed(): void {
    this.#gate.notify();
  }

  /** Claims no more; `run` ends once everything held is settled. */
  stop(): void {
    this.#stopping = true;
    this.#listener.stop();
    this.#options.pool.leave(this);
    this.#gate.notify();
  }

  /** Nothing is held or to be told: ending it costs nobody anything. */
  get idle(): boolean {
    return this.#held.size === 0 && this.#finished.length === 0;
  }

  interruptAll(by: Interruption, error: PortolanError): void {
    for (const run of this.#held.values()) run.interrupt(by, error);
  }

  /** Ends `run` at once; what is still held is left to the lease. */
  abandon(): void {
    this.stop();
    this.#abandoned.abort();
    this.#gate.notify();
  }

  /** The loop. */
  async run(): Promise<void> {
    let passOn = false;
    while (!this.#abandoned.signal.aborted) {
      if (this.#stopping && this.#held.size === 0) return;
      const slots = this.#reserve();
      if (slots === 0 && this.#finished.length === 0 && !passOn) {
        if (!this.#mayHaveWork && !this.#stopping) this.#listener.start();
        const hoped = this.#mayHaveWork;
        await this.#gate.wait();
        // The hint was consumed; with no slot to use it, an exchange that claims nothing hands it on to another worker.
        passOn = !hoped && this.#mayHaveWork && this.#options.pool.free === 0;
        continue;
      }
      passOn = false;
      await this.#exchange(slots);
    }
  }

  /** After `run` ended with nothing held: takes the session out of the store, where it would be forgotten otherwise only by a sweep of its queue. */
  async leave(): Promise<void> {
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
      for (const run of held) this.#lose(run);
    }
    this.#cancel(cancel);
  }

  #reserve(): number {
    if (this.#stopping) return 0;
    if (this.#mayHaveWork || this.#finished.length > 0) return this.#options.pool.reserve(this, MAX_BATCH);
    this.#options.pool.leave(this);
    return 0;
  }

  async #exchange(slots: number): Promise<void> {
    const { runtime, queue, leaseMs, retention, pool } = this.#options;
    if (this.#gone && this.#held.size === 0) this.#id = runtime.id();
    this.#gone = false;
    this.#options.hold(this.#id);
    const finished = this.#finished.splice(0, MAX_BATCH);
    const before = this.held;
    if (slots > 0) this.#mayHaveWork = false;
    const result = await this.#call(queue, {
      session: this.#id,
      nonce: String(++this.#exchanges),
      leaseMs,
      settled: finished.map(({ verdict }) => verdict.settlement),
      claim: slots,
      retention,
    });
    pool.release(slots - (result?.jobs.length ?? 0));
    if (!result) return;
    this.#confirm(finished, new Set(result.refused));
    if (result.created) for (const run of before) this.#lose(run);
    this.#begin(result);
    this.#cancel(result.cancel);
    this.#listener.due(result.dueInMs);
    if ((slots > 0 && result.jobs.length === slots) || result.dueInMs === 0) this.#mayHaveWork = true;
  }

  /** Until answered, or abandoned. */
  async #call(queue: string, request: ExchangeRequest): Promise<ExchangeResult | undefined> {
    const { port, runtime } = this.#options;
    for (let pause = RETRY_MS.first; !this.#abandoned.signal.aborted; pause = Math.min(pause * 2, RETRY_MS.most)) {
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

  #confirm(finished: readonly Finished[], refused: ReadonlySet<string>): void {
    for (const { run, verdict } of finished) {
      if (this.#held.get(run.job.id) !== run) continue;
      this.#held.delete(run.job.id);
      this.#report(run, refused.has(run.job.id) ? { type: 'lost' } : verdict.event);
    }
  }

  #begin(result: ExchangeResult): void {
    const { runtime, queue, handlers, maxResultBytes, limits, port } = this.#options;
    const session = this.#id;
    const report = async (id: string, progress: string): Promise<boolean> =>
      (await port.amend(queue, { do: 'progress', id, session, progress })) === 'done';
    const options = { queue, runtime, handlers, maxResultBytes, limits, report };
    for (const job of result.jobs) {
      const run = new Run(job, options);
      this.#held.set(job.id, run);
      if (this.#stopping) run.interrupt('stopped', new PortolanError('CANCELLED', 'the worker is stopping'));
      else this.#report(run, { type: 'taken' });
      void this.#execute(run);
    }
  }

  async #execute(run: Run): Promise<void> {
    const { pool, runtime } = this.#options;
    const outcome = await run.outcome();
    const verdict = judge(run, outcome, runtime.clock.now(), Math.random);
    if (!verdict) this.#lose(run);
    else if (this.#held.get(run.job.id) === run) this.#finished.push({ run, verdict });
    pool.release(1);
    this.#gate.notify();
  }

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
    this.#gate.notify();
  }

  #report(run: Run, event: Pick<WorkerJobEvent, 'type' | 'error'>): void {
    const ms = this.#options.runtime.clock.now() - run.startedAt;
    this.#options.emit({ ...event, id: run.id, queue: run.queue, name: run.name, attempt: run.job.attempt, ms });
  }
}
