import type { Redis } from 'ioredis';
import type { Deadlines } from './deadlines.ts';
import { backendClosed } from './errors.ts';

type Listener = (message: string) => void;

interface Channel {
  readonly listeners: Set<Listener>;
  /** Settles when Redis confirmed the subscription or was away; never rejects. */
  confirmed: Promise<unknown>;
}

/** A subscriber only listens, so a connection that broke silently is found by asking. */
const PING_MS = 5_000;

/**
 * The process's one subscriber connection, opened at the first subscription. Channels are shared by reference count. Pub/Sub
 * forgets what is published while the connection is away, so every listener is called with an empty message after a reconnect.
 */
export class RedisSubscriber {
  readonly #open: () => Redis;
  readonly #deadlines: Deadlines;
  readonly #channels = new Map<string, Channel>();
  #connection: Redis | undefined;
  #connected: Promise<unknown> = Promise.resolve();
  #pinging: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(open: () => Redis, deadlines: Deadlines) {
    this.#open = open;
    this.#deadlines = deadlines;
  }

  /**
   * Resolves once Redis confirmed the subscription, or is away: then it is made on reconnect, and the listener called. The answer ends
   * it. Throws UNAVAILABLE on a closed backend.
   */
  async subscribe(channel: string, listener: Listener): Promise<() => Promise<void>> {
    if (this.#closed) throw backendClosed();
    const connection = this.#connect();
    const own: Listener = (message) => listener(message);
    let entry = this.#channels.get(channel);
    if (!entry) {
      entry = { listeners: new Set(), confirmed: Promise.resolve() };
      this.#channels.set(channel, entry);
      entry.confirmed = this.#confirm(connection, channel, entry);
    }
    const { listeners } = entry;
    listeners.add(own);
    await this.#deadlines.within(entry.confirmed).catch(() => undefined);
    if (this.#closed) throw backendClosed();
    return async () => {
      if (!listeners.delete(own) || listeners.size > 0 || this.#channels.get(channel)?.listeners !== listeners) return;
      this.#channels.delete(channel);
      if (connection.status !== 'ready') return;
      await this.#deadlines.within(connection.unsubscribe(channel)).catch(() => undefined);
    };
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#pinging);
    this.#channels.clear();
    this.#connection?.disconnect();
  }

  #connect(): Redis {
    if (this.#connection) return this.#connection;
    const connection = this.#open();
    this.#connection = connection;
    connection.on('message', (channel: string, message: string) => {
      for (const listener of this.#channels.get(channel)?.listeners ?? []) listener(message);
    });
    connection.on('ready', () => void this.#resume(connection));
    this.#connected = connection.connect().catch(() => undefined);
    this.#pinging = setInterval(() => {
      if (connection.status === 'ready') connection.ping().catch(() => undefined);
    }, PING_MS).unref();
    return connection;
  }

  async #confirm(connection: Redis, channel: string, entry: Channel): Promise<void> {
    await this.#connected;
    if (connection.status !== 'ready' || this.#channels.get(channel) !== entry) return;
    await connection.subscribe(channel).catch(() => undefined);
  }

  /** Subscribes again to everything, also to what was asked for while Redis was away. */
  async #resume(connection: Redis): Promise<void> {
    const channels = [...this.#channels.keys()];
    if (channels.length === 0) return;
    // When this fails the connection is lost again, and the next one resumes.
    const subscribed = await connection.subscribe(...channels).then(
      () => true,
      () => false,
    );
    if (!subscribed) return;
    for (const { listeners } of this.#channels.values()) for (const listener of listeners) listener('');
  }
}
