interface Call<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers the calls of one turn of the event loop and makes them one command: most of what a small command costs is spent per
 * command, not per key. A call waits for nothing but the turn it was made in; all calls of a batch fail together.
 */
export class TickBatch<Item, Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #most: number;
  #calls: Call<Item, Answer>[] = [];

  /** `send` answers in the order of its items, at most `most` of them. */
  constructor(most: number, send: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#most = most;
    this.#send = send;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#calls.length === 0) setImmediate(() => this.flush());
      this.#calls.push({ item, resolve, reject });
      if (this.#calls.length >= this.#most) this.flush();
    });
  }

  /** Sends what has gathered now, so that it stands before whatever is sent next. */
  flush(): void {
    const calls = this.#calls;
    if (calls.length === 0) return;
    this.#calls = [];
    this.#send(calls.map((call) => call.item)).then(
      (answers) => {
        for (let at = 0; at < calls.length; at++) calls[at]?.resolve(answers[at] as Answer);
      },
      (error: unknown) => {
        for (const call of calls) call.reject(error);
      },
    );
  }
}
