import { type FSWatcher, watch } from 'node:fs';
import type { Engine } from './engine.ts';

/** Without any sign of a change the file is looked at this often: what a lost file event costs. */
const IDLE_MS = 25;
/** After a sign of a change, and for a while after one was found. */
const ALERT_MS = 2;
const ALERT_FOR_MS = 100;

type Listener = () => void;

/**
 * Wakes listeners when a process — this one or another — has committed something on their channel. A write calls `raise`; the row it leaves
 * tells other processes which channels changed. They notice the commit by SQLite's change counter (about 3 µs a look), which is looked at when the file system tells
 * of a write to the log, and every 25 ms in case it does not. Nothing is looked at while nobody listens. Signals are hints: one may come for nothing.
 */
export class Signals {
  readonly #engine: Engine;
  readonly #namespace: number;
  readonly #listeners = new Map<string, Set<Listener>>();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #alertUntil = 0;
  #version = 0;
  #seen = 0;

  constructor(engine: Engine, namespace: number) {
    this.#engine = engine;
    this.#namespace = namespace;
  }

  /** Called within a write: every listener of the channel wakes once it is committed. */
  raise(channel: string): void {
    this.#engine
      .sql(
        `INSERT INTO signal (namespace, channel, sequence) VALUES (?, ?, (SELECT coalesce(max(sequence), 0) + 1 FROM signal))
         ON CONFLICT (namespace, channel) DO UPDATE SET sequence = excluded.sequence`,
      )
      .run(this.#namespace, channel);
    this.#engine.after(() => this.#tell(channel));
  }

  /** Calls `listener` after every signal on the channel, until the answer is called. */
  listen(channel: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners);
    listeners.add(listener);
    if (!this.#timer) this.#start();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(channel) === listeners) this.#listeners.delete(channel);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #start(): void {
    this.#version = this.#engine.dataVersion();
    this.#seen = this.#latest();
    try {
      this.#watcher = watch(`${this.#engine.path}-wal`, { persistent: false }, () => this.#alert());
      this.#watcher.on('error', () => undefined);
    } catch {
      // No file events here: the idle look is all there is.
    }
    this.#schedule(IDLE_MS);
  }

  /** The event comes with the write to the log, a moment before the change counter moves: look soon, and again. */
  #alert(): void {
    const was = this.#alertUntil;
    this.#alertUntil = performance.now() + ALERT_FOR_MS;
    if (was < performance.now() && this.#timer) this.#schedule(0);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
    this.#timer.unref();
  }

  #look(): void {
    try {
      const version = this.#engine.dataVersion();
      if (version !== this.#version) {
        this.#version = version;
        this.#alertUntil = performance.now() + ALERT_FOR_MS;
        this.#tellNew();
      }
    } catch {
      // Closed, or the file is gone: whoever listens learns it from his own reads.
      this.stop();
      return;
    }
    this.#schedule(performance.now() < this.#alertUntil ? ALERT_MS : IDLE_MS);
  }

  #latest(): number {
    return Number(this.#engine.sql('SELECT coalesce(max(sequence), 0) AS latest FROM signal').get()?.latest);
  }

  #tellNew(): void {
    const rows = this.#engine
      .sql('SELECT channel, sequence FROM signal WHERE sequence > ? AND namespace = ? ORDER BY sequence')
      .all(this.#seen, this.#namespace);
    for (const row of rows) {
      this.#seen = Number(row.sequence);
      this.#tell(String(row.channel));
    }
  }

  #tell(channel: string): void {
    for (const listener of [...(this.#listeners.get(channel) ?? [])]) listener();
  }
}
