import { type Subscription, subscribeTopic } from './broadcast-subscribe.ts';
import { PortolanError } from './errors.ts';
import { isFinal } from './job-event.ts';
import { type EventMessage, eventsTopic, readEventMessage } from './job-event-wire.ts';
import type { BroadcastPort } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';

/** How long a queue is followed on when nobody waits any more: who comes next finds it followed. */
const LINGER_MS = 2_000;

/** Those of this process who wait for jobs to end that may run elsewhere. However many they are, a queue's events are followed once. */
export class JobEventWatch {
  readonly #port: BroadcastPort;
  readonly #runtime: Runtime;
  readonly #followed = new Map<string, Followed>();

  constructor(port: BroadcastPort, runtime: Runtime) {
    this.#port = port;
    this.#runtime = runtime;
  }

  /**
   * Calls `wake` when the job may have ended: look at it then. It is called as well once events are really followed and whenever some may have been missed, so
   * who looks after this call, and after each `wake`, overlooks no end that is told. The answer ends it.
   */
  watch(queue: string, local: string, wake: () => void): () => void {
    let followed = this.#followed.get(queue);
    if (!followed) {
      followed = new Followed(this.#port, this.#runtime, queue, () => this.#followed.delete(queue));
      this.#followed.set(queue, followed);
    }
    return followed.watch(local, wake);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followed.values()].map((one) => one.end()));
  }
}

class Followed {
  readonly #runtime: Runtime;
  /** Nobody is to join from now on. */
  readonly #over: () => void;
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #messages: Subscription<EventMessage>;
  #lingering: AbortController | undefined;

  constructor(port: BroadcastPort, runtime: Runtime, queue: string, over: () => void) {
    this.#runtime = runtime;
    this.#over = over;
    this.#messages = subscribeTopic(port, runtime, eventsTopic(queue), {}, ({ data }) => readEventMessage(data));
    void this.#follow(queue);
    void this.#messages.ready.then(
      () => this.#wakeAll(),
      () => undefined,
    );
  }

  watch(local: string, wake: () => void): () => void {
    this.#lingering?.abort();
    const waiting = this.#waiting.get(local) ?? new Set();
    this.#waiting.set(local, waiting.add(wake));
    return () => {
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting.get(local) === waiting) this.#waiting.delete(local);
      if (this.#waiting.size === 0) void this.#linger();
    };
  }

  async end(): Promise<void> {
    this.#over();
    this.#lingering?.abort();
    await this.#messages.return();
  }

  async #linger(): Promise<void> {
    const lingering = new AbortController();
    this.#lingering?.abort();
    this.#lingering = lingering;
    await this.#runtime.sleep(LINGER_MS, lingering.signal);
    if (!lingering.signal.aborted) await this.end();
  }

  /** Ends with a trouble that trying again does not mend: who waits goes on looking by himself, and the next to come begins anew. */
  async #follow(queue: string): Promise<void> {
    try {
      for await (const { data, gap } of this.#messages) {
        if (gap || data.lost > 0) this.#wakeAll();
        else for (const event of data.events) if (event && isFinal(event.type)) this.#wake(event.id);
      }
    } catch (error) {
      this.#over();
      const { code, message } = PortolanError.from(error);
      this.#runtime.logger.warn({ queue, code, reason: message }, 'The events of a queue cannot be followed');
    }
  }

  #wake(local: string): void {
    for (const wake of this.#waiting.get(local) ?? []) wake();
  }

  #wakeAll(): void {
    for (const local of this.#waiting.keys()) this.#wake(local);
  }
}
