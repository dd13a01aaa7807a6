import type { PortolanError, Runtime } from '@portolan/core';
import { Pipeline, Redis, type RedisOptions } from 'ioredis';
import { Deadlines } from './deadlines.ts';
import { backendClosed, classify, isLoginRefusal, reasonOf } from './errors.ts';
import { connectionOptions } from './options.ts';
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
  /** Runs commands within one deadline, with every error classified. Commands sent past it, on `client`, have none. */
  run<T>(commands: (client: Redis) => Promise<T>): Promise<T>;
  /** Runs a script; survives SCRIPT FLUSH. All keys must share one hash slot. */
  script(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>;
  /**
   * A further connection for blocking commands, not yet connected. One that stays silent past `longestWaitMs` (60 s unless told) is taken
   * for dead and opened anew, so no command may block longer. The caller ends it; `close` does at the latest.
   */
  openBlocking(longestWaitMs?: number): Redis;
  /** Called when the backend closes, after calls under way have ended. */
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

/** The connections of one backend. `open` resolves when Redis is ready, or after the deadline: ioredis goes on trying by itself. */
export class RedisConnection implements RedisContext {
  readonly runtime: Runtime;
  readonly deadlineMs: number;
  readonly client: Redis;
  readonly subscriber: RedisSubscriber;
  readonly #namespace: string;
  readonly #deadlines: Deadlines;
  readonly #endings: (() => Promise<void> | void)[] = [];
  readonly #duplicates = new Set<Redis>();
  /** The last refusal of the login, until one succeeds: a truer answer than that Redis cannot be reached. */
  #loginRefused: PortolanError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RedisOptions, namespace: string, runtime: Runtime, deadlineMs: number) {
    this.runtime = runtime;
    this.deadlineMs = deadlineMs;
    this.#namespace = namespace;
    this.#deadlines = new Deadlines(deadlineMs);
    this.client = new Redis(connectionOptions(options, deadlineMs));
    this.#watch(this.client, 'shared');
    this.client.on('error', (error: Error) => {
      this.#loginRefused = isLoginRefusal(error.message) ? classify(error) : undefined;
    });
    this.client.on('ready', () => {
      this.#loginRefused = undefined;
    });
    this.subscriber = new RedisSubscriber(() => this.#duplicate('subscriber', {}), this.#deadlines);
  }

  async open(): Promise<void> {
    await this.#deadlines.within(this.client.connect()).catch(() => undefined);
  }

  key(...parts: string[]): string {
    return `${this.#namespace}:${parts.join(':')}`;
  }

  async run<T>(commands: (client: Redis) => Promise<T>): Promise<T> {
    if (this.#closing) throw backendClosed();
    try {
      return await this.#deadlines.within(commands(this.client));
    } catch (error) {
      if (this.#loginRefused && this.client.status !== 'ready') throw this.#loginRefused;
      throw classify(error);
    }
  }

  script(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    return this.run((client) => callScript(client, script, keys, args));
  }

  openBlocking(longestWaitMs = 60_000): Redis {
    return this.#duplicate('blocking', { socketTimeout: longestWaitMs + this.deadlineMs });
  }

  onClose(end: () => Promise<void> | void): void {
    this.#endings.push(end);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#deadlines.end(backendClosed());
    this.subscriber.close();
    await Promise.allSettled(this.#endings.map(async (end) => end()));
    for (const connection of [...this.#duplicates, this.client]) connection.disconnect();
  }

  #duplicate(role: string, changes: Partial<RedisOptions>): Redis {
    const connection = this.client.duplicate({ ...changes, enableAutoPipelining: false, autoResubscribe: false });
    this.#watch(connection, role);
    this.#duplicates.add(connection);
    connection.on('end', () => this.#duplicates.delete(connection));
    return connection;
  }

  /** ioredis wants a listener for errors; each state change is logged once, not each of many attempts. */
  #watch(connection: Redis, role: string): void {
    let away = false;
    connection.on('error', (error: Error) => {
      if (!away) {
        const fields = { connection: role, reason: reasonOf(error) };
        this.runtime.logger.warn(fields, 'Redis connection lost or refused');
      }
      away = true;
    });
    connection.on('ready', () => {
      if (away) this.runtime.logger.info({ connection: role }, 'Redis connection is back');
      away = false;
    });
  }
}

type ScriptCall = (keyCount: number, ...args: RedisArgument[]) => Promise<unknown>;

/** Calls a script on a connection, defining it there first if it is new to it. `bytes` answers Buffers where the script answers strings. */
export function callScript(
  client: Redis,
  script: RedisScript,
  keys: readonly string[],
  args: readonly RedisArgument[],
  reply: 'text' | 'bytes' = 'text',
): Promise<unknown> {
  const commands = client as unknown as Record<string, ScriptCall | undefined>;
  if (!commands[script.name]) {
    client.defineCommand(script.name, { lua: script.lua });
    // A pipeline knows the scripts that were defined when it was made; the one that collects this tick's calls may be older than this script.
    for (const name of [script.name, `${script.name}Buffer`]) {
      Object.defineProperty(Pipeline.prototype, name, { value: commands[name], configurable: true, writable: true });
    }
  }
  const command = commands[reply === 'bytes' ? `${script.name}Buffer` : script.name] as ScriptCall;
  return command.call(client, keys.length, ...keys, ...args);
}
