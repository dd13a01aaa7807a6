import { PortolanError } from '../errors.ts';
import { deliverOwed } from '../flow-deliver.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { Runtime } from '../runtime.ts';

/** What is put off for longer is left to the sweeps. */
const MOST_AGAIN_MS = 1_000;

/**
 * Delivers what queues owe, for the whole worker: one at a time of each queue, and once more when it was asked to meanwhile. A store that is away is not
 * waited for: the next sweep asks again.
 */
export class Deliveries {
  readonly #port: QueuePort;
  readonly #runtime: Runtime;
  readonly #under = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  readonly #stopped = new AbortController();

  constructor(port: QueuePort, runtime: Runtime) {
    this.#port = port;
    this.#runtime = runtime;
  }

  start(queue: string): void {
    if (this.#under.has(queue)) {
      this.#again.add(queue);
      return;
    }
    this.#under.set(
      queue,
      this.#deliver(queue).finally(() => this.#under.delete(queue)),
    );
  }

  /** Puts nothing off any more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#under.values());
  }

  async #deliver(queue: string): Promise<void> {
    try {
      do {
        this.#again.delete(queue);
        const { againMs } = await deliverOwed(this.#port, queue);
        if (againMs === null || againMs > MOST_AGAIN_MS || this.#stopped.signal.aborted) continue;
        this.#again.add(queue);
        await this.#runtime.sleep(againMs, this.#stopped.signal);
      } while (this.#again.has(queue));
    } catch (error) {
      const { code, message } = PortolanError.from(error);
      this.#runtime.logger.debug(
        { queue, code, reason: message },
        'Outcomes could not be brought to their parents; trying on',
      );
    }
  }
}
