import type { Runtime } from '@portolan/core';
import type { Engine } from './engine.ts';

const EVERY_MS = 2_000;
/** A process that swept keeps the duty for so long after; another takes it when it is silent. */
const DUTY_MS = 6_000;
/** Rows per step: as many as the last step would have managed in `STEP_MS`, since a row may be ten bytes or many pages. */
const ROWS = { first: 10, least: 1, most: 500 };
const STEP_MS = 2;
/** Free pages given back to the file system per step. */
const PAGES = 256;

type Sweep = (limit: number) => number;

/** The duty, and long enough for a step: a file at rest is written to only every few seconds. */
const HELD = "SELECT 1 FROM duty WHERE name = 'sweep' AND holder = ? AND until BETWEEN ? AND ?";
/** A duty that lasts longer than any given now was given by a clock that has gone back since. */
const TAKE = `INSERT INTO duty (name, holder, until) VALUES ('sweep', ?1, ?2)
  ON CONFLICT (name) DO UPDATE SET holder = ?1, until = ?2 WHERE holder = ?1 OR until <= ?3 OR until > ?2`;

/**
 * Removes what has expired, in small steps, in exactly one process at a time: every step begins by making sure
 * of the duty, a row that the sweeping process renews. Sweeping is about space only; what has expired is never answered anyway.
 */
export class Sweeper {
  readonly #engine: Engine;
  readonly #runtime: Runtime;
  readonly #sweeps: Sweep[] = [];
  readonly #stopping = new AbortController();
  readonly #holder: string;

  constructor(engine: Engine, runtime: Runtime) {
    this.#engine = engine;
    this.#runtime = runtime;
    this.#holder = runtime.id();
  }

  add(sweep: Sweep): void {
    this.#sweeps.push(sweep);
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** One round; answers whether this process had the duty all the time. */
  async round(): Promise<boolean> {
    this.#engine.checkFile();
    for (const sweep of this.#sweeps) if (!(await this.#exhaust(sweep))) return false;
    return this.#onDuty(() => this.#engine.shrink(PAGES));
  }

  async #exhaust(sweep: Sweep): Promise<boolean> {
    let rows = ROWS.first;
    for (;;) {
      let more = false;
      let took = 0;
      const had = await this.#onDuty(() => {
        const started = performance.now();
        more = sweep(rows) >= rows;
        took = performance.now() - started;
      });
      if (!had || !more) return had;
      rows = Math.ceil(Math.min(Math.max(rows * (STEP_MS / took), ROWS.least), rows * 2, ROWS.most));
    }
  }

  /** Runs `step` in a transaction that has the duty, and answers whether it had. */
  async #onDuty(step: () => void): Promise<boolean> {
    if (this.#stopping.signal.aborted) return false;
    return this.#engine.write(() => {
      const now = this.#runtime.clock.now();
      const has = this.#holds(now) || this.#engine.sql(TAKE).run(this.#holder, now + DUTY_MS, now).changes === 1;
      if (has) step();
      return has;
    });
  }

  #holds(now: number): boolean {
    return this.#engine.sql(HELD).get(this.#holder, now + DUTY_MS / 2, now + DUTY_MS) !== undefined;
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
