import { type Backend, createRuntime, type Logger, PortolanError, type Runtime } from '@portolan/core';
import { isCi } from '@portolan/testkit/choose-redis';
import {
  hasRedisServer,
  type PrivateRedis,
  type PrivateRedisOptions,
  startPrivateRedis,
} from '@portolan/testkit/redis-server';
import { afterEach, describe, expect } from 'vitest';
import { RedisConnection } from '../src/connection.ts';
import { redisAdapter } from '../src/index.ts';
import { parseRedisUrl } from '../src/options.ts';

const DEADLINE_MS = 400;

/** These tests stop and freeze servers, so they need their own; under CI a host without one fails. */
const possible = isCi(process.env) || (await hasRedisServer());
export const describeFaults = (name: string, cases: () => void): void => {
  if (possible) describe(name, cases);
  else describe.skip(`${name} (skipped: needs redis-server on the PATH)`, cases);
};

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

export async function start(options: PrivateRedisOptions = {}): Promise<PrivateRedis> {
  const server = await startPrivateRedis(options);
  endings.push(() => server.close());
  return server;
}

/** A runtime that keeps what is logged. */
export function recording(): { runtime: Runtime; logged: { level: string; fields: object; message: string }[] } {
  const logged: { level: string; fields: object; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message });
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { runtime: createRuntime({ logger }), logged };
}

export async function open(
  url: string,
  runtime: Runtime = createRuntime(),
  deadlineMs = DEADLINE_MS,
): Promise<Backend> {
  const backend = await redisAdapter().open(url, { namespace: 'test', runtime, deadlineMs });
  endings.push(() => backend.close());
  return backend;
}

export async function connect(url: string, namespace = 'test'): Promise<RedisConnection> {
  const connection = new RedisConnection(parseRedisUrl(url), namespace, createRuntime(), DEADLINE_MS);
  endings.push(() => connection.close());
  await connection.open();
  return connection;
}

export const failure = (call: Promise<unknown>): Promise<PortolanError> =>
  call.then(
    () => expect.unreachable('the call succeeded'),
    (error: unknown) => {
      if (!PortolanError.is(error)) throw error;
      return error;
    },
  );

/** Fails the test when `call` is still under way long after its deadline. */
export function bounded<T>(call: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('still under way after five deadlines')), DEADLINE_MS * 5).unref();
  });
  return Promise.race([call, late]);
}

export const answering = (backend: Backend) =>
  expect
    .poll(
      () =>
        backend.ping().then(
          () => 'answers',
          (error: PortolanError) => error.code,
        ),
      { timeout: 10_000, interval: 20 },
    )
    .toBe('answers');
