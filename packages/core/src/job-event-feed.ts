import { backoffMs } from './broadcast-follow.ts';
import { PortolanError } from './errors.ts';
import type { JobCipher } from './job-cipher.ts';
import type { JobEvent } from './job-event.ts';
import { EVENTS_RETENTION, eventsTopic, packEvents } from './job-event-wire.ts';
import type { BroadcastPort } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';

/** Events that wait while the store does not take them; beyond it the oldest go. Cut in steps, so that a push stays cheap. */
const MOST_WAITING = { kept: 5_000, step: 1_000 };

/** An append of so many events is followed by a rest: under load, few large appends cost less than many. */
const BUSY = { events: 20, restMs: 20 };

/**
 * The way of one queue's events from this process to the store: one append at a time, and what happens meanwhile goes with the next, so that batches form by
 * themselves under load. While the store is away they wait, and the oldest are dropped and counted. After a lost reply events may stand there twice.
 */
export class JobEventFeed {
  readonly #port: BroadcastPort;
  readonly #runtime: Runtime;
  readonly #queue: string;
  readonly #cipher: JobCipher | undefined;
  readonly #closing: AbortSignal;
  #waiting: JobEvent[] = [];
  /** Dropped, and not yet told of. */
  #lost = 0;
  #under: Promise<void> | undefined;

  constructor(
    port: BroadcastPort,
    runtime: Runtime,
    queue: string,
    cipher: JobCipher | undefined,
    closing: AbortSignal,
  ) {
    this.#port = port;
    this.#runtime = runtime;
    this.#queue = queue;
    this.#cipher = cipher;
    this.#closing = closing;
  }

  push(event: JobEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length >= MOST_WAITING.kept + MOST_WAITING.step) this.#cut();
    this.#under ??= this.#send();
  }

  /** Resolves when nothing waits any more. */
  async sent(): Promise<void> {
    await this.#under;
  }

  #cut(): void {
    const over = this.#waiting.length - MOST_WAITING.kept;
    if (over <= 0) return;
    this.#waiting.splice(0, over);
    this.#lost += over;
  }

  async #send(): Promise<void> {
    // What one step of a worker tells goes together.
    await undefined;
    for (let failures = 0; this.#waiting.length > 0 && !this.#closing.aborted; ) {
      const events = this.#waiting;
      const lost = this.#lost;
      this.#waiting = [];
      this.#lost = 0;
      try {
        await this.#port.append(eventsTopic(this.#queue), packEvents(events, lost, this.#cipher), EVENTS_RETENTION);
        failures = 0;
        if (events.length >= BUSY.events) await this.#runtime.sleep(BUSY.restMs, this.#closing);
      } catch (thrown) {
        const { code, message, retryable } = PortolanError.from(thrown);
        this.#lost += lost;
        if (retryable) {
          this.#waiting = [...events, ...this.#waiting];
          this.#cut();
        } else this.#lost += events.length;
        failures += 1;
        const level = failures === 1 ? 'warn' : 'debug';
        this.#runtime.logger[level](
          { queue: this.#queue, code, reason: message },
          'Events of jobs could not be published',
        );
        await this.#runtime.sleep(backoffMs(failures), this.#closing);
      }
    }
    this.#under = undefined;
  }
}
