import type { QueuePort } from '../ports/queue.ts';
import type { Runtime } from '../runtime.ts';

/**
 * How long to wait for a hint before looking anyway: the first, then twice as long each time that none came. A lost hint costs less, since every sweep
 * of a queue where jobs wait gives one.
 */
const WAIT_MS = { first: 5_000, most: 60_000 };
const AWAY_MS = 1_000;

/** Tells a session once that its queue may have work: a hint came, a delayed job is due, or it is time to look anyway. */
export class Listener {
  readonly #port: QueuePort;
  readonly #runtime: Runtime;
  readonly #queue: string;
  readonly #tell: () => void;
  #waiting: AbortController | undefined;
  /** When the next delayed job is due, as told last, and when the present wait ends; on this process's clock. */
  #dueAt = Number.POSITIVE_INFINITY;
  #until = 0;
  #patienceMs = WAIT_MS.first;

  constructor(port: QueuePort, runtime: Runtime, queue: string, tell: () => void) {
    this.#port = port;
    this.#runtime = runtime;
    this.#queue = queue;
    this.#tell = tell;
  }

  /** Takes note of the ms until the next delayed job is due; a wait that would end later is ended, to be started anew. */
  due(inMs: number | null): void {
    this.#dueAt = inMs === null ? Number.POSITIVE_INFINITY : this.#runtime.clock.now() + inMs;
    if (this.#dueAt < this.#until) this.stop();
  }

  /** Starts to wait unless it does already. */
  start(): void {
    if (this.#waiting) return;
    this.#waiting = new AbortController();
    void this.#wait(this.#waiting);
  }

  stop(): void {
    this.#waiting?.abort();
    this.#waiting = undefined;
  }

  async #wait(waiting: AbortController): Promise<void> {
    const now = this.#runtime.clock.now();
    const ms = Math.min(Math.max(this.#dueAt - now, 0), this.#patienceMs);
    this.#until = now + ms;
    const hint = this.#port
      .wait([this.#queue], waiting.signal)
      .then(() => WAIT_MS.first)
      .catch(() => this.#runtime.sleep(AWAY_MS, waiting.signal).then(() => WAIT_MS.first));
    const over = this.#runtime.sleep(ms, waiting.signal).then(() => Math.min(this.#patienceMs * 2, WAIT_MS.most));
    const patienceMs = await Promise.race([hint, over]);
    if (this.#waiting !== waiting) return;
    this.#patienceMs = patienceMs;
    this.stop();
    this.#tell();
  }
}
