import { MAX_LOG_LINES } from '../ports/queue-logs.ts';

const MAX_CHARACTERS = 1_000;

/**
 * What a run logs, on its way to the store. One call is under way at a time and takes all lines that came before it; no more lines wait than the store
 * would keep.
 */
export class JobLog {
  readonly #send: (lines: readonly string[]) => Promise<void>;
  #pending: string[] = [];
  #sending: Promise<void> | undefined;

  /** `send` never rejects. */
  constructor(send: (lines: readonly string[]) => Promise<void>) {
    this.#send = send;
  }

  add(line: string): void {
    const cut = line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS - 1)}…` : line;
    this.#pending.push(cut.toWellFormed());
    if (this.#pending.length > MAX_LOG_LINES) this.#pending.shift();
    this.#sending ??= this.#drain();
  }

  /** Resolves once what was added is stored, or given up. */
  async flushed(): Promise<void> {
    await this.#sending;
  }

  async #drain(): Promise<void> {
    // The lines of one turn travel together.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      await this.#send(lines);
    }
    this.#sending = undefined;
  }
}
