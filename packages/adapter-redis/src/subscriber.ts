import type { Redis } from 'ioredis';

type Listener = (message: string) => void;

/**
 * The process's one subscriber connection, opened at the first subscription. Channels are shared by reference count. Pub/Sub
 * forgets what is published while the connection is away, so every listener is called with an empty message after a reconnect.
 */
export class RedisSubscriber {
  readonly #open: () => Redis;
  readonly #listeners = new Map<string, Set<Listener>>();
  #connection: Promise<Redis> | undefined;

  constructor(open: () => Redis) {
    this.#open = open;
  }

  /** Resolves once Redis confirmed the subscription (or is away: then it is made on reconnect). The answer ends it. */
  async subscribe(channel: string, listener: Listener): Promise<() => Promise<void>> {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners);
    listeners.add(listener);
    const connection = await this.#connect();
    if (listeners.size === 1 && connection.status === 'ready')
      await connection.subscribe(channel).catch(() => undefined);
    return async () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
      this.#listeners.delete(channel);
      if (connection.status === 'ready') await connection.unsubscribe(channel).catch(() => undefined);
    };
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    const connection = await this.#connection;
    connection?.disconnect();
  }

  #connect(): Promise<Redis> {
    this.#connection ??= this.#start();
    return this.#connection;
  }

  async #start(): Promise<Redis> {
    const connection = this.#open();
    connection.on('message', (channel: string, message: string) => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(message);
    });
    // Subscribing again to what ioredis already resubscribed is harmless; to what was asked for while away it is needed.
    connection.on('ready', () => void this.#resume(connection));
    await connection.connect().catch(() => undefined);
    return connection;
  }

  async #resume(connection: Redis): Promise<void> {
    const channels = [...this.#listeners.keys()];
    if (channels.length === 0) return;
    await connection.subscribe(...channels).catch(() => undefined);
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener('');
  }
}
