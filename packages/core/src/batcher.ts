export interface BatcherOptions<T, R> {
  /** One call to the store. Answers one result per item, in their order. */
  readonly send: (items: readonly T[]) => Promise<readonly R[]>;
  readonly maxItems: number;
  /** Size of an item, in the unit of `maxSize`; one item is always taken. */
  readonly sizeOf: (item: T) => number;
  readonly maxSize: number;
  /** Calls under way at a time; two keep the store and this process busy at once. */
  readonly maxInFlight: number;
  /** The store works beside this process, so that one call can be answered while another is under way. */
  readonly beside: boolean;
}

/** So many items that find nothing under way go out in two calls to a store that works beside this process. */
const SPLIT = 20;

interface Entry<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Natural batching: an item goes out at once (at the end of the running microtasks) when nothing is under way; while calls are, further items collect
 * and go out together; many that find nothing under way in two calls, where the store works beside the process. No timer, no latency added when idle. Items go out in
 * the order they came.
 */
export class Batcher<T, R> {
  readonly #options: BatcherOptions<T, R>;
  #entries: Entry<T, R>[] = [];
  #inFlight = 0;
  #planned = false;

  constructor(options: BatcherOptions<T, R>) {
    this.#options = options;
  }

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#entries.push({ item, resolve, reject });
      this.#plan();
    });
  }

  #plan(): void {
    if (this.#planned || this.#inFlight >= this.#options.maxInFlight) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      while (this.#entries.length > 0 && this.#inFlight < this.#options.maxInFlight) void this.#send(this.#take());
    });
  }

  #take(): Entry<T, R>[] {
    const { maxSize, sizeOf } = this.#options;
    const maxItems = this.#most();
    let size = 0;
    let count = 0;
    for (const { item } of this.#entries) {
      size += sizeOf(item);
      if (count > 0 && (size > maxSize || count >= maxItems)) break;
      count += 1;
    }
    if (count === this.#entries.length) {
      const all = this.#entries;
      this.#entries = [];
      return all;
    }
    return this.#entries.splice(0, count);
  }

  /** Callers who all wait for one call would go on together for ever, with the store at rest while they work, and they while it does. */
  #most(): number {
    const { maxItems, beside } = this.#options;
    const splits = beside && this.#inFlight === 0 && this.#entries.length >= SPLIT;
    return splits ? Math.min(Math.ceil(this.#entries.length / 2), maxItems) : maxItems;
  }

  async #send(entries: readonly Entry<T, R>[]): Promise<void> {
    this.#inFlight += 1;
    try {
      const results = await this.#options.send(entries.map((entry) => entry.item));
      entries.forEach((entry, index) => {
        entry.resolve(results[index] as R);
      });
    } catch (error) {
      for (const entry of entries) entry.reject(error);
    } finally {
      this.#inFlight -= 1;
      if (this.#entries.length > 0) this.#plan();
    }
  }
}
