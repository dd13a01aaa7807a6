import type { Redis } from 'ioredis';
import type { RedisContext } from './connection.ts';

/** BLPOP ends by itself after so many seconds. */
const BLOCK_S = 5;
/** A BLPOP that is silent for so long is taken for dead, and its connection dropped. */
const WATCHDOG_MS = 8_000;
const AWAY_MS = 100;
const UNBLOCK_AGAIN_MS = 5;

interface Waiter {
  readonly keys: readonly string[];
  readonly wake: () => void;
}

/**
 * The process's one blocking connection, opened at the first wait: one BLPOP over the wake lists of all queues waited for. When a queue joins, the
 * BLPOP is ended with CLIENT UNBLOCK and begun anew with it. A hint that nobody here waits for any more is put back. After a reconnect every waiter is
 * woken, since a hint may have gone with the connection.
 */
export class QueueWaits {
  readonly #context: RedisContext;
  readonly #waiters = new Set<Waiter>();
  #connection: Redis | undefined;
  /** What Redis calls the connection; asked before it blocks, since it answers nothing meanwhile. */
  #id: number | undefined;
  #running = false;
  #closed = false;
  /** Keys of the BLPOP under way. */
  #blocked: ReadonlySet<string> = new Set();
  #unblocking = false;

  constructor(context: RedisContext) {
    this.#context = context;
    context.onClose(() => this.#close());
  }

  async wait(keys: readonly string[], signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed) return;
    await new Promise<void>((resolve) => {
      const waiter: Waiter = {
        keys,
        wake: () => {
          this.#waiters.delete(waiter);
          signal.removeEventListener('abort', waiter.wake);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', waiter.wake, { once: true });
      if (!this.#running) void this.#run();
      else if (!this.#covered()) void this.#unblock();
    });
  }

  /** Wakes one who waits here for a list; false when nobody does. */
  wakeOne(key: string): boolean {
    for (const waiter of this.#waiters) {
      if (!waiter.keys.includes(key)) continue;
      waiter.wake();
      return true;
    }
    return false;
  }

  #covered(): boolean {
    return this.#keys().every((key) => this.#blocked.has(key));
  }

  #keys(): string[] {
    return [...new Set([...this.#waiters].flatMap((waiter) => waiter.keys))];
  }

  async #run(): Promise<void> {
    this.#running = true;
    let lost = false;
    while (this.#waiters.size > 0 && !this.#closed) {
      try {
        const connection = await this.#connect();
        if (lost) this.#wakeAll();
        lost = false;
        if (this.#waiters.size > 0) await this.#block(connection);
      } catch {
        lost = true;
        await this.#context.runtime.sleep(AWAY_MS);
      }
    }
    this.#running = false;
  }

  async #connect(): Promise<Redis> {
    this.#connection ??= this.#open();
    if (this.#connection.status === 'wait') await this.#connection.connect();
    this.#id ??= await this.#connection.client('ID');
    return this.#connection;
  }

  #open(): Redis {
    const connection = this.#context.openBlocking();
    connection.on('close', () => {
      this.#id = undefined;
    });
    return connection;
  }

  async #block(connection: Redis): Promise<void> {
    const keys = this.#keys();
    this.#blocked = new Set(keys);
    const over = new AbortController();
    const watchdog = this.#context.runtime.sleep(WATCHDOG_MS, over.signal).then(() => {
      if (over.signal.aborted || this.#closed) return;
      connection.disconnect(true);
      throw new Error('the blocking connection is silent');
    });
    try {
      const popped = await Promise.race([connection.blpop(keys, BLOCK_S), watchdog]);
      if (popped) this.#hint(popped[0]);
    } finally {
      over.abort();
      this.#blocked = new Set();
    }
  }

  #hint(key: string): void {
    const waiters = [...this.#waiters].filter((waiter) => waiter.keys.includes(key));
    for (const waiter of waiters) waiter.wake();
    // Best effort: a lost hint costs the others their own bound on waiting.
    if (waiters.length === 0) void this.#context.run((client) => client.rpush(key, '1')).catch(() => undefined);
  }

  #wakeAll(): void {
    for (const waiter of [...this.#waiters]) waiter.wake();
  }

  /** Until the BLPOP under way covers every waiter: it may not have begun in Redis when the first UNBLOCK arrives. */
  async #unblock(): Promise<void> {
    if (this.#unblocking) return;
    this.#unblocking = true;
    try {
      while (this.#running && !this.#closed && !this.#covered()) {
        const id = this.#id;
        if (id !== undefined && this.#blocked.size > 0)
          await this.#context.run((client) => client.client('UNBLOCK', id));
        await this.#context.runtime.sleep(UNBLOCK_AGAIN_MS);
      }
    } catch {
      // Redis is away: the BLPOP ends as well, and the next one covers all.
    } finally {
      this.#unblocking = false;
    }
  }

  #close(): void {
    this.#closed = true;
    this.#wakeAll();
    this.#connection?.disconnect();
  }
}
