import type { Runtime } from '@portolan/core';
import { PortolanError } from '@portolan/core';
import { Redis, type RedisOptions } from 'ioredis';
import { classify } from './errors.ts';
import { RedisSubscriber } from './subscriber.ts';

/** A Lua script: one duty, one round trip. `name` is what `defineCommand` registers it under. */
export interface RedisScript {
  readonly name: string;
  readonly lua: string;
}

export type RedisArgument = string | number | Uint8Array;

/** What each port's factory gets: the process's connections and the names of its keys. */
export interface RedisContext {
  readonly runtime: Runtime;
  readonly deadlineMs: number;
  /** The one shared connection; commands issued in the same tick travel in one pipeline. */
  readonly client: Redis;
  readonly subscriber: RedisSubscriber;
  /** `NAMESPACE:part:part`. Wrap what must share a hash slot in `hashTag`. */
  key(...parts: string[]): string;
  /** Runs commands, with every error classified. */
  run<T>(commands: (client: Redis) => Promise<T>): Promise<T>;
  /** Runs a script; survives SCRIPT FLUSH. All keys must share one hash slot. */
  script(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>;
  /** A further connection for blocking commands, without a command deadline. The caller closes it. */
  openBlocking(): Redis;
  onClose(end: () => Promise<void> | void): void;
}

/**
 * A part as a hash tag, so that all keys with it lie in one slot. Braces inside would end the tag early and are escaped, which keeps
 * usual names readable.
 */
export function hashTag(part: string): string {
  return `{${part.replace(/[{}%]/g, (brace) => `%${brace.charCodeAt(0).toString(16).toUpperCase()}`)}}`;
}

/** The inverse of `hashTag`, without its braces. */
export function fromHashTag(part: string): string {
  return part.replace(/%(7B|7D|25)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const RECONNECT_MS = { first: 50, most: 500 };

export function connectionOptions(base: RedisOptions, deadlineMs: number): RedisOptions {
  return {
    ...base,
    lazyConnect: true,
    // Nothing waits for a connection: a call made while Redis is away fails at once, and one whose reply was lost is the caller's to repeat.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: deadlineMs,
    connectTimeout: deadlineMs,
    retryStrategy: (times) => Math.min(RECONNECT_MS.first * times, RECONNECT_MS.most),
    enableAutoPipelining: true,
  };
}

/** The connections of one backend. `open` resolves when Redis is ready, or after the deadline: ioredis goes on trying by itself. */
export class RedisConnection implements RedisContext {
  readonly runtime: Runtime;
  readonly deadlineMs: number;
  readonly client: Redis;
  readonly subscriber: RedisSubscriber;
  readonly #namespace: string;
  readonly #endings: (() => Promise<void> | void)[] = [];
  #closed = false;

  constructor(options: RedisOptions, namespace: string, runtime: Runtime, deadlineMs: number) {
    this.runtime = runtime;
    this.deadlineMs = deadlineMs;
    this.#namespace = namespace;
    this.client = new Redis(connectionOptions(options, deadlineMs));
    this.#watch(this.client, 'shared');
    this.subscriber = new RedisSubscriber(() => this.#duplicate('subscriber', { enableAutoPipelining: false }));
  }

  async open(): Promise<void> {
    const connecting = this.client.connect().catch(() => undefined);
    const waited = new AbortController();
    await Promise.race([connecting, this.runtime.sleep(this.deadlineMs, waited.signal)]);
    waited.abort();
  }

  key(...parts: string[]): string {
    return `${this.#namespace}:${parts.join(':')}`;
  }

  async run<T>(commands: (client: Redis) => Promise<T>): Promise<T> {
    if (this.#closed) throw new PortolanError('UNAVAILABLE', 'the backend is closed', { retryable: false });
    try {
      return await commands(this.client);
    } catch (error) {
      throw classify(error);
    }
  }

  script(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    return this.run((client) => callScript(client, script, keys, args));
  }

  openBlocking(): Redis {
    return this.#duplicate('blocking', { enableAutoPipelining: false, commandTimeout: undefined });
  }

  onClose(end: () => Promise<void> | void): void {
    this.#endings.push(end);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#endings.map(async (end) => end()));
    await this.subscriber.close();
    this.client.disconnect();
  }

  #duplicate(role: string, changes: Partial<RedisOptions>): Redis {
    const connection = this.client.duplicate(changes);
    this.#watch(connection, role);
    return connection;
  }

  /** ioredis wants a listener for errors; each state change is logged once, not each of many attempts. */
  #watch(connection: Redis, role: string): void {
    let away = false;
    connection.on('error', (error: Error) => {
      if (!away)
        this.runtime.logger.warn({ connection: role, reason: error.message }, 'Redis connection lost or refused');
      away = true;
    });
    connection.on('ready', () => {
      if (away) this.runtime.logger.info({ connection: role }, 'Redis connection is back');
      away = false;
    });
  }
}

type ScriptCall = (keyCount: number, ...args: RedisArgument[]) => Promise<unknown>;

/** Calls a script on a connection, defining it there first if it is new to it. */
export function callScript(
  client: Redis,
  script: RedisScript,
  keys: readonly string[],
  args: readonly RedisArgument[],
): Promise<unknown> {
  const commands = client as unknown as Record<string, ScriptCall | undefined>;
  if (!commands[script.name]) client.defineCommand(script.name, { lua: script.lua });
  return (commands[script.name] as ScriptCall).call(client, keys.length, ...keys, ...args);
}
