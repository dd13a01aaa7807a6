import type { PortolanError } from '../errors.ts';
import { aheadOf } from './ahead.ts';
import { fitting, MAX_BATCH } from './batch.ts';
import type { Deliveries } from './deliveries.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { Listener } from './listener.ts';
import type { Pool, SlotUser } from './pool.ts';
import type { Interruption, Run } from './run.ts';

export interface SessionOptions extends Omit<LaneOptions, 'ahead' | 'take' | 'freed'> {
  readonly pool: Pool;
  readonly deliveries: Deliveries;
}

/** More than one, so that a job that comes alone is known to be alone. */
const LEAST_SHARE = 2;

/**
 * A worker's dealings with one queue. Each exchange carries everything that finished meanwhile and claims as many jobs as there are slots, so batches form by
 * themselves under load and an idle worker pays no delay.
 *
 * Where the store works beside the process (`QueuePort.lanes`) there are two lanes, each a session of its own in the store: while jobs pile up, each takes
 * half of the slots, so that one runs jobs while the exchange of the other is under way. The second stands still otherwise.
 */
export class QueueSession implements SlotUser {
  readonly #options: SessionOptions;
  readonly #listener: Listener;
  readonly #lanes: readonly Lane[];
  #mayHaveWork = true;
  /** The last claim got all it asked for: more jobs wait than this worker runs at a time. */
  #backlog = false;
  /** Jobs to claim at most: twice what came last. So a burst that finds many idle workers is shared by them, each of which wakes the next. */
  #share: number;
  readonly #leastShare: number;
  /** Jobs to claim at most, if they are as large as those that came last. */
  #fitting = MAX_BATCH;
  #stopping = false;
  #quiet = false;
  /** A hint may have come that this session does not follow any more: an exchange that claims nothing hands it to another worker. */
  #handOn = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const liked = [...options.handlers.values()].map(({ atOnce = 1 }) => atOnce);
    this.#leastShare = Math.max(LEAST_SHARE, ...liked);
    this.#share = this.#leastShare;
    const { pool, port } = options;
    const slots = { take: () => pool.reserve(this, 1) === 1, freed: (count: number) => pool.release(count) };
    const lane = (ahead: number) => new Lane({ ...options, ...slots, ahead });
    this.#lanes = Array.from({ length: pool.size > 1 ? (port.lanes ?? 1) : 1 }, (_, at) =>
      lane(at === 0 ? aheadOf(pool.size) : 0),
    );
    this.#listener = new Listener(options.port, options.runtime, options.queue, () => {
      this.#mayHaveWork = true;
      this.#notify();
    });
  }

  get queue(): string {
    return this.#options.queue;
  }

  /** Runs that have begun and have not ended. */
  get active(): readonly Run[] {
    return this.#lanes.flatMap((lane) => lane.active);
  }

  slotsFreed(): void {
    for (const lane of this.#lanes) lane.beginAhead();
    this.#notify();
  }

  /** Claims no more until `resume`, and settles what runs; a claim under way is the last. */
  quiet(): void {
    this.#quiet = true;
    this.#handOn = true;
    this.#listener.stop();
    for (const lane of this.#lanes) lane.ahead.clear();
    this.#options.pool.leave(this);
    this.#notify();
  }

  resume(): void {
    this.#quiet = false;
    this.#mayHaveWork = true;
    this.#notify();
  }

  /** Claims no more; `run` ends once everything held is settled. */
  stop(): void {
    this.#stopping = true;
    this.#listener.stop();
    for (const lane of this.#lanes) lane.stop();
    this.#options.pool.leave(this);
  }

  /** Nothing is held or to be told: ending it costs nobody anything. */
  get idle(): boolean {
    return this.#lanes.every((lane) => lane.empty && lane.finished === 0);
  }

  interruptAll(by: Interruption, error: PortolanError): void {
    for (const lane of this.#lanes) lane.interruptAll(by, error);
  }

  /** Ends `run` at once; what is still held is left to the lease. */
  abandon(): void {
    this.stop();
    for (const lane of this.#lanes) lane.abandon();
  }

  /** Until stopped, and everything held is settled. */
  async run(): Promise<void> {
    await Promise.all(this.#lanes.map((lane, at) => this.#drive(lane, at === 0).finally(() => lane.end())));
  }

  /** After `run` ended: takes its sessions out of the store. */
  async leave(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.leave()));
  }

  async beat(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.beat()));
  }

  /** The loop of a lane. */
  async #drive(lane: Lane, first: boolean): Promise<void> {
    let passOn = false;
    while (!lane.abandoned) {
      if (this.#stopping && lane.empty) return;
      // What waits in hand takes the next slots.
      const slots = (first || this.#backlog) && lane.ahead.size === 0 ? this.#reserve(lane) : 0;
      if (slots === 0 && lane.finished === 0 && !passOn && !(first && this.#handOn)) {
        if (!this.#mayHaveWork && !this.#resting) this.#listener.start();
        const hoped = this.#mayHaveWork;
        await lane.gate.wait();
        // The hint was consumed; with no slot to use it, an exchange that claims nothing hands it on to another worker.
        passOn = first && !hoped && this.#mayHaveWork && this.#options.pool.free === 0;
        continue;
      }
      passOn = false;
      this.#handOn = false;
      await this.#exchange(lane, slots);
    }
  }

  get #resting(): boolean {
    return this.#stopping || this.#quiet;
  }

  #reserve(lane: Lane): number {
    const { pool } = this.#options;
    if (this.#resting) return 0;
    if (!this.#mayHaveWork && !this.#backlog && lane.finished === 0) {
      pool.leave(this);
      return 0;
    }
    const half = this.#backlog && this.#lanes.length > 1 ? Math.ceil(pool.size / 2) : pool.size;
    return pool.reserve(this, Math.min(half, this.#share, this.#fitting, MAX_BATCH));
  }

  /** Only where more jobs wait than there are slots, and not while other queues have all of these. */
  #aheadOf({ ahead }: Lane, slots: number): number {
    if (this.#resting || !this.#backlog || slots + ahead.size === 0) return 0;
    return Math.max(Math.min(ahead.room, this.#fitting - slots), 0);
  }

  async #exchange(lane: Lane, slots: number): Promise<void> {
    const ahead = this.#aheadOf(lane, slots);
    const claim = slots + ahead;
    if (claim > 0) this.#mayHaveWork = false;
    const result = await lane.exchange(slots, ahead);
    if (!result) return;
    if (result.owes) this.#options.deliveries.start(this.queue);
    this.#listener.due(result.dueInMs);
    if (claim > 0) {
      this.#backlog = result.jobs.length === claim;
      this.#share = Math.max(2 * result.jobs.length, this.#leastShare);
      this.#fitting = fitting(result.jobs) ?? this.#fitting;
    }
    if (this.#backlog || result.dueInMs === 0) this.#mayHaveWork = true;
    if (this.#backlog) this.#notify();
  }

  #notify(): void {
    for (const lane of this.#lanes) lane.gate.notify();
  }
}
