import type { Clock } from '@portolan/core';

interface Held<V> {
  readonly value: V;
  /** Absolute ms, or null for never. */
  readonly expiresAt: number | null;
}

/** Each `set` looks at this many older entries and frees the expired ones, so garbage stays a fraction of what is alive. */
const SWEPT_PER_SET = 2;

/** A map whose entries end by the hub's clock, without timers. */
export class ExpiringMap<V> {
  readonly #clock: Clock;
  readonly #held = new Map<string, Held<V>>();
  #sweep: Iterator<[string, Held<V>]> = this.#held.entries();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): V | undefined {
    return this.#live(key)?.value;
  }

  /** ms left, at least 1; null for never; undefined when there is no such entry. */
  ttlMs(key: string): number | null | undefined {
    const expiresAt = this.#live(key)?.expiresAt;
    return typeof expiresAt === 'number' ? expiresAt - this.#clock.now() : expiresAt;
  }

  /** Without `ttlMs` the entry never ends. */
  set(key: string, value: V, ttlMs?: number | null): void {
    this.#held.set(key, { value, expiresAt: typeof ttlMs === 'number' ? this.#clock.now() + ttlMs : null });
    for (let swept = 0; swept < SWEPT_PER_SET; swept++) {
      const next = this.#sweep.next();
      if (next.done) this.#sweep = this.#held.entries();
      else this.#live(next.value[0]);
    }
  }

  /** Answers whether a live entry was there. */
  delete(key: string): boolean {
    const live = this.#live(key) !== undefined;
    this.#held.delete(key);
    return live;
  }

  /** The keys of live entries. */
  keys(): string[] {
    return [...this.#held.keys()].filter((key) => this.#live(key) !== undefined);
  }

  /** Live entries with their absolute expiry. */
  *entries(): Iterable<readonly [key: string, held: Held<V>]> {
    for (const key of this.keys()) {
      const held = this.#live(key);
      if (held) yield [key, held];
    }
  }

  /** As `set`, until an absolute time. */
  put(key: string, value: V, expiresAt: number | null): void {
    this.#held.set(key, { value, expiresAt });
  }

  #live(key: string): Held<V> | undefined {
    const held = this.#held.get(key);
    if (!held || held.expiresAt === null || held.expiresAt > this.#clock.now()) return held;
    this.#held.delete(key);
    return undefined;
  }
}
