import { PortolanError, type Runtime } from '@portolan/core';
import type { Engine } from './engine.ts';

const EVERY_MS = 2_000;
/** A process that swept keeps the duty for so long after; another takes it when it is silent. */
const DUTY_MS = 6_000;
/** Rows per step: as many as the last step would have managed in `STEP_MS`, since a row may be ten bytes or many pages. */
const ROWS = { first: 10, least: 1, most: 500 };
const STEP_MS = 2;
/**
 * Free pages given back to the file system in a round: at least so many, and this part of all, so that a file of any size is small again within minutes. What is
 * written meanwhile takes free pages first.
 */
const FREE_PAGES = { least: 256, part: 1 / 32 };

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
  /** What went wrong since the last good round: each is told once. */
  readonly #told = new Set<string>();

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

  /** One round; answers whether this process had the duty all the time. A sweep that fails does not keep the others from theirs. */
  async round(): Promise<boolean> {
    this.#engine.checkFile();
    const failures: unknown[] = [];
    for (const sweep of this.#sweeps) {
      try {
        if (!(await this.#exhaust(sweep))) return false;
      } catch (error) {
        // Others hold the file, or it is full: the next step would fare no better.
        if (this.#stopping.signal.aborted || PortolanError.from(error).retryable) throw error;
        failures.push(error);
      }
    }
    const had = await this.#shrink();
    await this.#engine.trimLog();
    if (failures.length > 0) throw failures[0];
    this.#told.clear();
    return had;
  }

  async #shrink(): Promise<boolean> {
    const free = this.#engine.freePages();
    let left = Math.min(free, Math.max(FREE_PAGES.least, Math.ceil(free * FREE_PAGES.part)));
    if (left === 0) return true;
    const had = await this.#exhaust((limit) => {
      const pages = Math.min(limit, left);
      this.#engine.shrink(pages);
      left -= pages;
      return left > 0 ? limit : 0;
    });
    // The file ends where it did until the log has moved into it.
    if (had) this.#engine.checkpoint();
    return had;
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
      const now = Math.floor(this.#runtime.clock.now());
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
      await this.round().catch((error: unknown) => this.#tell(error));
    }
  }

  #tell(error: unknown): void {
    const { message } = PortolanError.from(error);
    if (this.#stopping.signal.aborted || this.#told.has(message)) return;
    this.#told.add(message);
    this.#runtime.logger.warn({ err: error }, 'SQLite: a sweep failed');
  }
}
