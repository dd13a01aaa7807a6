import type { Counter, Logger } from '@portolan/core';

const COUNTER = 'api.calls';

/**
 * Counts every API call in the store without making the call wait: what comes while an increment is under way travels in the next one. A failed
 * increment is added to the next; a killed process loses at most what was under way.
 */
export class CallCount {
  readonly #counter: Counter;
  readonly #logger: Logger;
  #pending = 0;
  #sending: Promise<void> | undefined;
  #failed = false;

  constructor(counter: Counter, logger: Logger) {
    this.#counter = counter;
    this.#logger = logger;
  }

  add(): void {
    this.#pending++;
    this.#sending ??= this.#send();
  }

  /** Resolves when everything counted so far is stored, or the store refused it. */
  async flush(): Promise<void> {
    await this.#sending;
    if (this.#pending === 0) return;
    this.#sending ??= this.#send();
    await this.#sending;
  }

  async #send(): Promise<void> {
    const by = this.#pending;
    this.#pending = 0;
    try {
      await this.#counter.increment(COUNTER, { by });
      this.#failed = false;
    } catch (error) {
      this.#pending += by;
      if (!this.#failed) this.#logger.warn({ reason: (error as Error).message }, 'api.calls cannot be counted now');
      this.#failed = true;
    }
    this.#sending = this.#pending > 0 && !this.#failed ? this.#send() : undefined;
  }
}
