import type { Clock } from '@portolan/core';

/**
 * The store behind one or more memory backends. Backends opened on the same hub behave like processes on one Redis: they see each
 * other's data at once. JavaScript runs one step at a time, so a port method is atomic as long as it does not await.
 */
export class MemoryHub {
  /** The store's clock. */
  readonly clock: Clock;
  readonly #states = new Map<string, unknown>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The state of one port in one namespace, made at the first call. */
  state<T>(namespace: string, port: string, create: () => T): T {
    const name = `${namespace}:${port}`;
    if (!this.#states.has(name)) this.#states.set(name, create());
    return this.#states.get(name) as T;
  }
}

/** What each port's factory gets. */
export interface MemoryContext {
  readonly hub: MemoryHub;
  readonly namespace: string;
  /** Throws UNAVAILABLE once the backend is closed; every port method calls it first. */
  open(): void;
  /** Runs when the backend closes: end waits, drop listeners. */
  onClose(end: () => void): void;
}
