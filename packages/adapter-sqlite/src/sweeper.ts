import type { Runtime } from '@portolan/core';
import type { Engine } from './engine.ts';

const EVERY_MS = 2_000;
/** A process that swept keeps the duty for so long after; another takes it when it is silent. */
const DUTY_MS = 6_000;
const ROWS = 500;
/** Free pages given back to the file system per round. */
const PAGES = 256;

/**
 * Removes what has expired, in small steps, in exactly one process at a time: the duty is a row that the sweeping process renews. Sweeping is about space
 * only; what has expired is never answered anyway.
 */
export class Sweeper {
  readonly #engine: Engine;
  readonly #runtime: Runtime;
  readonly #sweeps: ((limit: number) => number)[] = [];
  readonly #stopping = new AbortController();
  readonly #holder: string;

  constructor(engine: Engine, runtime: Runtime) {
    this.#engine = engine;
    this.#runtime = runtime;
    this.#holder = runtime.id();
  }

  add(sweep: (limit: number) => number): void {
    this.#sweeps.push(sweep);
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** One round; answers whether this process had the duty. */
  async round(): Promise<boolean> {
    if (!(await this.#engine.write(() => this.#takeDuty()))) return false;
    for (const sweep of this.#sweeps) {
      while (!this.#stopping.signal.aborted && (await this.#engine.write(() => sweep(ROWS))) >= ROWS);
    }
    if (!this.#stopping.signal.aborted) await this.#engine.read(() => this.#engine.shrink(PAGES));
    return true;
  }

  #takeDuty(): boolean {
    const now = this.#runtime.clock.now();
    const row = this.#engine
      .sql(
        `INSERT INTO duty (name, holder, until) VALUES ('sweep', ?1, ?2)
         ON CONFLICT (name) DO UPDATE SET holder = ?1, until = ?2 WHERE holder = ?1 OR until <= ?3 RETURNING holder`,
      )
      .get(this.#holder, now + DUTY_MS, now);
    return row !== undefined;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#runtime.sleep(EVERY_MS, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      await this.round().catch((error: Error) =>
        this.#runtime.logger.debug({ reason: error.message }, 'sweep put off'),
      );
    }
  }
}
