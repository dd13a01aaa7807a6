import { invalid } from './errors.ts';
import { checkKey } from './names.ts';
import type { CounterAdd, CounterAdded, CounterPort, CounterValue } from './ports/counter.ts';
import type { Runtime } from './runtime.ts';

export interface IncrementOptions {
  /** A safe integer, 1 by default; negative counts down. */
  readonly by?: number;
  /** Time to live in ms; without it the counter keeps what it has (none, when it is new). */
  readonly ttlMs?: number;
  /** `create` (default) sets the TTL only when the counter is new, `refresh` at every increment. */
  readonly ttlMode?: 'create' | 'refresh';
  readonly min?: number;
  readonly max?: number;
  /** Out of bounds: `reject` (default) leaves the counter as it is, `saturate` stops at the bound. */
  readonly onBound?: 'reject' | 'saturate';
}

/** Integers shared by every process. All of it is exact: out of the safe integers nothing is ever added. */
export interface Counter {
  /** Adds and answers the new value, and what was really added. Not idempotent: see `CounterPort`. */
  increment(name: string, options?: IncrementOptions): Promise<CounterAdded>;
  /** Many increments in one round trip, each atomic by itself; answers in order. */
  incrementMany(list: readonly ({ readonly name: string } & IncrementOptions)[]): Promise<CounterAdded[]>;
  get(name: string): Promise<CounterValue | undefined>;
  /** In order; undefined where there is no such counter. One round trip. */
  getMany(names: readonly string[]): Promise<(CounterValue | undefined)[]>;
  /** Sets a value, and a TTL (none without `ttlMs`). */
  set(name: string, value: number, options?: { readonly ttlMs?: number }): Promise<void>;
  /** Removes the counter. Answers whether there was one. */
  reset(name: string): Promise<boolean>;
}

export interface CounterParts {
  readonly port: CounterPort;
  readonly runtime: Runtime;
}

function integer(value: number, what: string): number {
  if (!Number.isSafeInteger(value)) throw invalid(`${what}: a safe integer, not ${String(value)}`);
  return value + 0; // -0 becomes 0
}

/** The TTL to pass on: a whole number of ms, at least 1. */
function ttl(value: number | undefined): { ttlMs?: number } {
  if (value === undefined) return {};
  if (integer(value, 'ttlMs') < 1) throw invalid('ttlMs: at least 1');
  return { ttlMs: value };
}

function toAdd(name: string, options: IncrementOptions): CounterAdd {
  const min = integer(options.min ?? Number.MIN_SAFE_INTEGER, 'min');
  const max = integer(options.max ?? Number.MAX_SAFE_INTEGER, 'max');
  if (min > max) throw invalid(`min ${min} is above max ${max}`);
  return {
    key: checkKey(name, 'counter name'),
    by: integer(options.by ?? 1, 'by'),
    ...ttl(options.ttlMs),
    ttlMode: options.ttlMode ?? 'create',
    min,
    max,
    onBound: options.onBound ?? 'reject',
  };
}

export function createCounter({ port }: CounterParts): Counter {
  async function getMany(names: readonly string[]): Promise<(CounterValue | undefined)[]> {
    const found = await port.read(names.map((name) => checkKey(name, 'counter name')));
    return found.map((one) => one ?? undefined);
  }
  return {
    async increment(name, options = {}) {
      const [added] = await port.add([toAdd(name, options)]);
      return added as CounterAdded;
    },
    async incrementMany(list) {
      return list.length === 0 ? [] : port.add(list.map((one) => toAdd(one.name, one)));
    },
    async get(name) {
      const [found] = await getMany([name]);
      return found;
    },
    getMany: async (names) => (names.length === 0 ? [] : getMany(names)),
    async set(name, value, options = {}) {
      await port.write(checkKey(name, 'counter name'), integer(value, 'value'), ttl(options.ttlMs).ttlMs);
    },
    reset: async (name) => port.write(checkKey(name, 'counter name'), null),
  };
}
