import { PortolanError } from '../errors.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { Runtime } from '../runtime.ts';
import { Gate } from './gate.ts';
import { beatEveryMs, type LeaseHold, type LeaseMessage, lookEveryMs, stillMs } from './lease-keeper.ts';

export interface LeaseWatchOptions {
  /** Of the thread in which the watch runs, as is everything here. */
  readonly runtime: Runtime;
  /** Where the worker's thread shows that it moves, see `createLeaseKeeper`. */
  readonly pulse: Int32Array<SharedArrayBuffer>;
  /** A worker's thread that is blocked for longer loses its leases: a loop that hangs must not hold its jobs for ever. */
  readonly maxBlockMs: number;
  /** The store, through a connection of this thread. Asked for at every beat. */
  readonly port: () => Promise<QueuePort>;
}

/**
 * The keeper's side of a `LeaseKeeper`, in a thread that nothing else blocks. It looks four times a beat whether the worker's thread moves; once that has
 * stood still for longer than a beat, it beats in its place until it moves again or `maxBlockMs` are over. A beat of the worker and one of the
 * watch may fall together, which does no harm. What was lost or cancelled meanwhile the worker learns from its own next beat.
 *
 * The worker's last beat is at most a beat old when it stops moving and the watch notices at most a beat and a quarter later, so three quarters of a
 * beat are left of the lease when the watch begins (1.5 s of 6).
 */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  readonly #held = new Map<string, LeaseHold>();
  readonly #gate = new Gate();
  /** When to beat next, while the worker's thread stands still. */
  #beatAt = 0;
  #state: 'moving' | 'blocked' | 'given up' = 'moving';
  #away = false;

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
  }

  /** Takes a message of the worker's thread. */
  take(message: LeaseMessage): void {
    if (message.do === 'drop') this.#held.delete(message.session);
    else this.#held.set(message.session, message);
    this.#gate.notify();
  }

  /** Until the signal aborts. Sleeps for as long as nothing is held. */
  async run(signal: AbortSignal): Promise<void> {
    const { runtime } = this.#options;
    signal.addEventListener('abort', () => this.#gate.notify(), { once: true });
    while (!signal.aborted) {
      if (this.#held.size === 0) {
        await this.#gate.wait();
        continue;
      }
      if (this.#mustBeat()) await this.#beat();
      await runtime.sleep(lookEveryMs(this.#held), signal);
    }
  }

  #mustBeat(): boolean {
    const { runtime, pulse, maxBlockMs } = this.#options;
    const now = runtime.clock.now();
    const still = stillMs(pulse, now);
    if (still <= beatEveryMs(this.#held)) {
      this.#turn('moving');
      this.#beatAt = 0;
      return false;
    }
    if (still <= maxBlockMs) {
      this.#turn('blocked', still);
      return now >= this.#beatAt;
    }
    this.#turn('given up', still);
    return false;
  }

  #turn(state: 'moving' | 'blocked' | 'given up', blockedMs?: number): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#away = false;
    const { logger } = this.#options.runtime;
    if (state === 'moving') logger.info({}, 'The worker moves again and renews its leases itself');
    else if (state === 'blocked')
      logger.warn({ blockedMs }, 'A handler blocks its worker: leases are renewed from beside it');
    else logger.error({ blockedMs }, 'A handler blocks its worker for too long: its leases are left to end');
  }

  async #beat(): Promise<void> {
    const { runtime, port } = this.#options;
    const beganAt = runtime.clock.now();
    try {
      const queues = await port();
      const sessions = [...this.#held.values()];
      await Promise.all(sessions.map(({ queue, session, leaseMs }) => queues.beat(queue, session, leaseMs)));
      this.#beatAt = beganAt + beatEveryMs(this.#held);
      this.#away = false;
    } catch (error) {
      const { code, message } = PortolanError.from(error);
      if (!this.#away) runtime.logger.warn({ code, reason: message }, 'Leases could not be renewed; trying on');
      this.#away = true;
    }
  }
}
