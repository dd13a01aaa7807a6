import { PortolanError } from '../errors.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { ScheduleRecord } from '../ports/queue-schedule.ts';
import type { Runtime } from '../runtime.ts';
import { planTicks } from '../schedule-plan.ts';
import { decodeTemplate, jobOfTick, type Template } from '../schedule-template.ts';
import { decodeTiming, type Ticks, ticksOf } from '../schedule-timing.ts';

/** Schedules looked at together. */
const PAGE = 20;
/** Workers that sleep until one tick wake at some moment of so many ms behind it: mostly the first fires, and the others find it done. */
const SPREAD_MS = 15;
/** Until the next look at a queue whose due schedules could not all be fired. */
const AGAIN_MS = 1_000;
/** Of one step; of large jobs fewer. */
const MOST = { ticks: 100, characters: 1024 * 1024 };
/** Schedules remembered as unreadable, so that each is told once. */
const MAX_UNREADABLE = 1_000;
/** Reckoned before the event loop has its turn: some 10 ms. */
const TICKS_A_TURN = 50;
/** What the reading of a schedule costs, in ticks. */
const READING = 2;

/**
 * Fires the schedules of a worker's queues. Sweeps tell when the next is due; the scheduler sleeps until then, asks the store what has come by the store's
 * clock, and fires it by compare-and-set: of many workers one wins each tick. So a schedule costs nothing between its ticks, and one that another process
 * adds is found at the next sweep, within a lease.
 */
export class Scheduler {
  readonly #port: QueuePort;
  readonly #runtime: Runtime;
  /** By queue, when to look again; ms on this process's clock. */
  readonly #due = new Map<string, number>();
  readonly #firing = new Set<string>();
  readonly #unreadable = new Set<string>();
  #nap = new AbortController();
  #napEnds = Number.POSITIVE_INFINITY;
  #stopped = false;
  /** Since the event loop had its turn. */
  #reckoned = 0;
  #turn: Promise<void> | undefined;

  constructor(port: QueuePort, runtime: Runtime) {
    this.#port = port;
    this.#runtime = runtime;
  }

  /** The next schedule of the queue is due in so many ms, or it has none. */
  note(queue: string, inMs: number | null): void {
    // What was told while it fires may be older than that.
    if (!this.#firing.has(queue)) this.#set(queue, inMs);
  }

  /** The loop, until `stop`. */
  async run(): Promise<void> {
    const { clock } = this.#runtime;
    while (!this.#stopped) {
      const now = clock.now();
      const ready = [...this.#due].filter(([, at]) => at <= now);
      if (ready.length > 0) await Promise.all(ready.map(([queue]) => this.#look(queue)));
      else await this.#sleepUntil(Math.min(...this.#due.values()));
    }
  }

  /** Fires no more, but for what is under way. */
  stop(): void {
    this.#stopped = true;
    this.#nap.abort();
  }

  #set(queue: string, inMs: number | null): void {
    if (inMs === null) {
      this.#due.delete(queue);
      return;
    }
    const at = this.#runtime.clock.now() + inMs + Math.random() * SPREAD_MS;
    this.#due.set(queue, at);
    if (at < this.#napEnds) this.#nap.abort();
  }

  async #sleepUntil(at: number): Promise<void> {
    this.#nap = new AbortController();
    this.#napEnds = at;
    await this.#runtime.sleep(at - this.#runtime.clock.now(), this.#nap.signal);
    this.#napEnds = Number.NEGATIVE_INFINITY;
  }

  async #look(queue: string): Promise<void> {
    this.#firing.add(queue);
    let nextInMs: number | null = AGAIN_MS;
    try {
      nextInMs = await this.#fireDue(queue);
    } catch (error) {
      const { code, message } = PortolanError.from(error);
      this.#runtime.logger.debug({ queue, code, reason: message }, 'Schedules could not be looked at; trying on');
    }
    this.#firing.delete(queue);
    this.#set(queue, nextInMs);
  }

  /** Answers in how many ms to look again; null without a schedule. */
  async #fireDue(queue: string): Promise<number | null> {
    /** Of those met: when they are due next. */
    const nexts: number[] = [];
    let unread = 0;
    while (!this.#stopped) {
      const cursor = unread === 0 ? null : String(unread);
      const found = await this.#port.inspect({ of: 'schedules', queue, cursor, limit: PAGE });
      const { now, list } = found.schedules ?? { now: 0, list: [] };
      const due = list.filter(({ nextAt }) => nextAt <= now);
      for (const nextAt of await Promise.all(due.map((schedule) => this.#fire(queue, schedule, now)))) {
        if (typeof nextAt === 'number') nexts.push(nextAt);
        // It stands in front of the others for as long as nobody fires it.
        else if (nextAt === 'unread') unread += 1;
      }
      const waits = list[due.length];
      if (!waits && list.length === PAGE) continue;
      if (waits) nexts.push(waits.nextAt);
      if (unread > 0) nexts.push(now + AGAIN_MS);
      return nexts.length === 0 ? null : Math.max(Math.min(...nexts) - now, 0);
    }
    return null;
  }

  /** Answers its next tick, or null when it has none: also when another was faster, whose next is the same. */
  async #fire(queue: string, schedule: ScheduleRecord, now: number): Promise<number | null | 'unread'> {
    await this.#breathe(READING);
    const read = this.#read(queue, schedule);
    if (!read) return 'unread';
    const { ticks, template } = read;
    const { id } = schedule;
    const createdAt = this.#runtime.clock.now();
    const most = Math.max(1, Math.min(MOST.ticks, Math.floor(MOST.characters / schedule.template.length)));
    const plan = await planTicks(ticks, schedule.nextAt, now, template.missed, this.#breathe);
    let at = schedule.nextAt;
    for (let from = 0; from === 0 || from < plan.ticks.length; from += most) {
      const some = plan.ticks.slice(from, from + most);
      const jobs = some.map((tick) => jobOfTick(template, { id, at: tick, createdAt }));
      const nextAt = plan.ticks[from + most] ?? plan.nextAt;
      const lastAt = some.at(-1) ?? null;
      const fired = await this.#port.amend(queue, { do: 'fire', id, at, nextAt, lastAt, jobs, ...renewal(schedule) });
      if (fired !== 'done' || nextAt === null) return nextAt;
      if (jobs.length === 0) this.#runtime.logger.info({ queue, schedule: id, at }, 'A missed tick was skipped');
      at = nextAt;
    }
    return at;
  }

  /** Lets the event loop have its turn, for all that is fired meanwhile, once so many ticks were reckoned since the last. */
  readonly #breathe = async (ticks: number): Promise<void> => {
    this.#reckoned += ticks;
    if (this.#reckoned < TICKS_A_TURN) return;
    this.#turn ??= this.#runtime.sleep(0).then(() => {
      this.#reckoned = 0;
      this.#turn = undefined;
    });
    await this.#turn;
  };

  /** Undefined for what another version wrote: a worker of that version fires it. */
  #read(
    queue: string,
    { id, timing, template }: ScheduleRecord,
  ): { readonly ticks: Ticks; readonly template: Template } | undefined {
    const what = `schedule ${id} of queue ${queue}`;
    try {
      return { ticks: ticksOf(decodeTiming(timing, what)), template: decodeTemplate(template, what) };
    } catch (error) {
      const { message } = PortolanError.from(error);
      if (!this.#unreadable.has(what) && this.#unreadable.size < MAX_UNREADABLE) {
        this.#unreadable.add(what);
        this.#runtime.logger.warn(
          { queue, schedule: id, reason: message },
          'A schedule cannot be read, and is left to others',
        );
      }
      return undefined;
    }
  }
}

/** What is encrypted with an old key is so with the new one from its next tick on, so that the old one can be taken away. */
function renewal({ template, outdated }: ScheduleRecord): { readonly renew?: { from: string; to: string } } {
  return outdated === undefined ? {} : { renew: { from: outdated, to: template } };
}
