import { readFileSync } from 'node:fs';
import { invalid, type JobEventLevel, type PayloadKey } from '@portolan/core';
import { z } from 'zod';

export const SCOPES = ['read', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiToken {
  readonly name: string;
  readonly secret: string;
  readonly scopes: readonly Scope[];
}

export interface Config {
  readonly backendUrl: string;
  /** The variable that the URL is from, for those who tell what is wrong with it. */
  readonly backendVariable: 'BACKEND_URL' | 'REDIS_URL';
  readonly namespace: string;
  readonly port: number;
  readonly host: string;
  /** Empty: no authentication, which is only allowed on a loopback host. */
  readonly tokens: readonly ApiToken[];
  readonly universitiesUrl: string;
  readonly fetchAllow: readonly string[];
  /** How long a cached page or API answer is fresh, in ms. */
  readonly cacheTtlMs: number;
  readonly workerConcurrency: number;
  /** How long a handler may block its worker before the leases are left to end, in ms; 0: no longer than a lease. */
  readonly workerMaxBlockMs: number;
  /** What is told of jobs to every process. */
  readonly workerEvents: JobEventLevel | 'off';
  /** What jobs carry is encrypted with the first and decrypted with all; undefined: stored in clear. */
  readonly payloadKeys: readonly PayloadKey[] | undefined;
  /** Where a worker answers `/healthz` and `/metrics`; undefined: nowhere. */
  readonly workerPort: number | undefined;
  readonly logLevel: LogLevel;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const EVENT_LEVELS = ['off', 'final', 'all'] as const satisfies Config['workerEvents'][];

/** How each variable reads, what a good value looks like, and whether its value may be repeated in a message. */
interface Variable<T> {
  readonly example: string;
  readonly secret?: boolean;
  readonly schema: z.ZodType<T, string>;
}

function wholeNumber(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, `not a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `not a whole number from ${least} to ${most}`);
}

function list(what: string, pattern: RegExp) {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((entry) => entry.trim())
        .filter(Boolean),
    )
    .refine((entries) => entries.every((entry) => pattern.test(entry)), `not a comma-separated list of ${what}`);
}

const tokens = list(
  'name:secret:scopes',
  /^[A-Za-z0-9_.-]+:[^:,\s]{8,}:(read|write|admin)([+|](read|write|admin))*$/,
).transform((entries) =>
  entries.map((entry): ApiToken => {
    const [name = '', secret = '', scopes = ''] = entry.split(':');
    return { name, secret, scopes: scopes.split(/[+|]/) as Scope[] };
  }),
);

const payloadKeys = list('id:key entries, each key 32 bytes in base64', /^[A-Za-z0-9_.-]{1,64}:[A-Za-z0-9+/_-]{43}=?$/)
  .transform((entries) =>
    entries.map((entry): PayloadKey => {
      const colon = entry.indexOf(':');
      return { id: entry.slice(0, colon), key: Buffer.from(entry.slice(colon + 1), 'base64') };
    }),
  )
  .refine((keys) => keys.length > 0, 'a list without a key')
  .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, 'a list with two keys of one id');

const isPort = (port: number): boolean => port >= 1 && port <= 65_535;

const httpUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'not an http(s) URL');

const storeUrl = {
  example: 'redis://127.0.0.1:6379',
  secret: true,
  schema: z.string().regex(/^[a-z][a-z0-9+.-]*:/i, 'not a URL with a scheme'),
};

const VARIABLES = {
  BACKEND_URL: storeUrl,
  REDIS_URL: storeUrl,
  NAMESPACE: {
    example: 'portolan',
    schema: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'not 1 to 64 letters, digits, dots, dashes or underscores'),
  },
  PORT: { example: '8080', schema: wholeNumber(0, 65_535) },
  HOST: { example: '127.0.0.1', schema: z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/, 'not a host name or address') },
  API_TOKENS: { example: 'ci:a-long-secret:read+write', secret: true, schema: tokens },
  UNIVERSITIES_URL: { example: 'http://universities.hipolabs.com/search', schema: httpUrl },
  FETCH_ALLOW: {
    example: '127.0.0.1:9000',
    schema: list('host:port entries', /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):\d{1,5}$/i).refine(
      (entries) => entries.every((entry) => isPort(Number(entry.slice(entry.lastIndexOf(':') + 1)))),
      'not a list of host:port entries with ports from 1 to 65535',
    ),
  },
  CACHE_TTL_MS: { example: '30000', schema: wholeNumber(1, 86_400_000) },
  WORKER_CONCURRENCY: { example: '50', schema: wholeNumber(1, 10_000) },
  WORKER_MAX_BLOCK_MS: { example: '60000', schema: wholeNumber(0, 86_400_000) },
  WORKER_EVENTS: {
    example: 'final',
    schema: z.enum(EVENT_LEVELS, { error: `not one of ${EVENT_LEVELS.join(', ')}` }),
  },
  PAYLOAD_KEYS: { example: 'k2:$(openssl rand -base64 32),k1:...', secret: true, schema: payloadKeys },
  WORKER_PORT: { example: '9090', schema: wholeNumber(0, 65_535) },
  LOG_LEVEL: { example: 'info', schema: z.enum(LOG_LEVELS, { error: `not one of ${LOG_LEVELS.join(', ')}` }) },
} satisfies Record<string, Variable<unknown>>;

type Variables = typeof VARIABLES;
type ValueOf<N extends keyof Variables> = z.output<Variables[N]['schema']>;

/**
 * The configuration of a process. Throws INVALID with one line that names the variable, what is wrong with it and an
 * example; values of secret variables are never repeated. An empty variable counts as unset.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  function read<N extends keyof Variables>(name: N, fallback: ValueOf<N>): ValueOf<N> {
    const text = env[name];
    if (text === undefined || text === '') return fallback;
    const variable: Variable<unknown> = VARIABLES[name];
    const result = variable.schema.safeParse(text);
    if (result.success) return result.data as ValueOf<N>;
    const shown = variable.secret ? 'the value' : JSON.stringify(text);
    throw invalid(`${name}: ${shown} is ${result.error.issues[0]?.message}; an example is ${name}=${variable.example}`);
  }
  const backendVariable = !env.BACKEND_URL && env.REDIS_URL ? 'REDIS_URL' : 'BACKEND_URL';
  const config: Config = {
    backendUrl: read(backendVariable, 'sqlite:.data/portolan.db'),
    backendVariable,
    namespace: read('NAMESPACE', 'portolan'),
    port: read('PORT', 8080),
    host: read('HOST', '127.0.0.1'),
    tokens: read('API_TOKENS', []),
    universitiesUrl: read('UNIVERSITIES_URL', 'http://universities.hipolabs.com/search'),
    fetchAllow: read('FETCH_ALLOW', []),
    cacheTtlMs: read('CACHE_TTL_MS', 30_000),
    workerConcurrency: read('WORKER_CONCURRENCY', 50),
    workerMaxBlockMs: read('WORKER_MAX_BLOCK_MS', 60_000),
    workerEvents: read('WORKER_EVENTS', 'final'),
    payloadKeys: env.PAYLOAD_KEYS ? read('PAYLOAD_KEYS', []) : undefined,
    workerPort: env.WORKER_PORT ? read('WORKER_PORT', 0) : undefined,
    logLevel: read('LOG_LEVEL', 'info'),
  };
  if (config.tokens.length === 0 && !isLoopback(config.host)) {
    throw invalid(
      `HOST: ${JSON.stringify(config.host)} can be reached from outside, which needs API_TOKENS; an example is API_TOKENS=${VARIABLES.API_TOKENS.example}`,
    );
  }
  return config;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The version in this package's package.json; every package of a release has the same. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
