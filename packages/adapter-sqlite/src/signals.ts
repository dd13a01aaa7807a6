import { type FSWatcher, watch } from 'node:fs';
import type { Engine } from './engine.ts';

/** How often the file is looked at while nothing happens: where file events come, what a lost one costs, and where they do not. */
const IDLE_MS = { watched: 250, blind: 25 };
/** How often, and how long, after a sign of a change. */
const ALERT = { everyMs: 2, forMs: 50 };
/** So many changes in a row without their file event, and events are not relied on for a while. */
const MISSES = 3;
const BLIND_FOR_MS = 60_000;
/** Channels remembered. A process that has not looked for as many signals wakes all its listeners. */
const KEPT = 10_000;

type Listener = () => void;

const RAISE = `INSERT INTO signal (namespace, channel, sequence) VALUES (?, ?, (SELECT coalesce(max(sequence), 0) + 1 FROM signal))
  ON CONFLICT (namespace, channel) DO UPDATE SET sequence = excluded.sequence`;
const LATEST = 'SELECT coalesce(max(sequence), 0) AS latest FROM signal';
const SINCE = 'SELECT namespace, channel, sequence FROM signal WHERE sequence > ? ORDER BY sequence';
const SWEEP = `DELETE FROM signal WHERE sequence IN
  (SELECT sequence FROM signal WHERE sequence <= (SELECT max(sequence) FROM signal) - ${KEPT} ORDER BY sequence LIMIT ?)`;

/**
 * Wakes listeners when a process — this one or another — has committed something on their channel. A write calls `raise`; the row it leaves
 * tells other processes which channels changed. They notice the commit by SQLite's change counter (about 3 µs a look).
 *
 * While nothing happens they wait for the file system to tell of a write to the log, and look four times a second in case it does not. The first event
 * ends the watch: from then on they look every 2 ms until nothing has changed for 50 ms, so a busy file costs no event per write, and the watch that begins
 * then is on whatever file has the name. Nothing is watched or looked at while nobody listens. Signals are hints: one may come for nothing.
 */
export class Signals {
  readonly #engine: Engine;
  readonly #namespace: number;
  readonly #listeners = new Map<string, Set<Listener>>();
  /** Channels raised in the transaction of that number: once is enough. */
  readonly #raised = { transaction: -1, channels: new Set<string>() };
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #alertUntil = 0;
  #misses = 0;
  #blindUntil = 0;
  #version = 0;
  #seen = 0;

  constructor(engine: Engine, namespace: number) {
    this.#engine = engine;
    this.#namespace = namespace;
  }

  /** Called within a write: every listener of the channel wakes once it is committed. */
  raise(channel: string): void {
    const { transaction } = this.#engine;
    if (this.#raised.transaction !== transaction) {
      this.#raised.transaction = transaction;
      this.#raised.channels.clear();
    }
    if (this.#raised.channels.has(channel)) return;
    this.#raised.channels.add(channel);
    this.#engine.sql(RAISE).run(this.#namespace, channel);
    this.#engine.after(() => this.#tell(channel));
  }

  /** Calls `listener` after every signal on the channel, until the answer is called. Throws when the file cannot be read. */
  listen(channel: string, listener: Listener): () => void {
    if (!this.#timer) this.#start();
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners);
    const own = () => listener();
    listeners.add(own);
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(channel) === listeners) this.#listeners.delete(channel);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  /** Within a write: forgets the channels that were not raised for the longest time. Answers how many. */
  sweep(limit: number): number {
    return Number(this.#engine.sql(SWEEP).run(limit).changes);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unwatch();
  }

  #start(): void {
    this.#version = this.#engine.dataVersion();
    this.#seen = Number(this.#engine.sql(LATEST).get()?.latest);
    this.#alertUntil = 0;
    this.#watch();
    this.#schedule();
  }

  #watch(): void {
    if (this.#watcher || performance.now() < this.#blindUntil) return;
    try {
      this.#watcher = watch(`${this.#engine.path}-wal`, { persistent: false }, () => this.#alert());
      this.#watcher.on('error', () => this.#unwatch());
    } catch {
      // No file events here, or no log yet: looked at more often until there are.
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** The event comes with the write to the log, a moment before the change counter moves: look now, and again for a while. */
  #alert(): void {
    if (!this.#watcher || !this.#timer) return;
    this.#misses = 0;
    this.#unwatch();
    this.#alertUntil = performance.now() + ALERT.forMs;
    this.#look();
  }

  #schedule(): void {
    const idle = this.#watcher ? IDLE_MS.watched : IDLE_MS.blind;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), this.#alertUntil > 0 ? ALERT.everyMs : idle);
    this.#timer.unref();
  }

  #look(): void {
    const now = performance.now();
    const relied = this.#watcher !== undefined;
    if (this.#alertUntil <= now) {
      this.#alertUntil = 0;
      // Before the look, so that no commit falls between.
      this.#watch();
    }
    try {
      const version = this.#engine.dataVersion();
      if (version !== this.#version) {
        if (relied) this.#miss(now);
        this.#unwatch();
        this.#alertUntil = now + ALERT.forMs;
        this.#tellNew();
        this.#version = version;
      }
    } catch {
      // Closed, or the file is gone: whoever listens learns it from his own reads.
      if (this.#engine.closed) this.stop();
    }
    if (this.#timer) this.#schedule();
  }

  /** One of them may have been lost in a busy moment; where they never come, the next miss after the while is enough. */
  #miss(now: number): void {
    this.#misses++;
    if (this.#misses >= MISSES) this.#blindUntil = now + BLIND_FOR_MS;
  }

  #tellNew(): void {
    const before = this.#seen;
    const rows = this.#engine.sql(SINCE).all(before);
    this.#seen = Number(rows.at(-1)?.sequence ?? before);
    if (this.#seen - before > KEPT) {
      for (const channel of this.#listeners.keys()) this.#tell(channel);
      return;
    }
    for (const { namespace, channel } of rows) {
      if (Number(namespace) === this.#namespace) this.#tell(String(channel));
    }
  }

  /** Listeners run on their own, so that one that throws disturbs neither the others nor the commit that woke it. */
  #tell(channel: string): void {
    const listeners = this.#listeners.get(channel);
    for (const listener of listeners ?? []) {
      queueMicrotask(() => {
        if (listeners?.has(listener)) listener();
      });
    }
  }
}
