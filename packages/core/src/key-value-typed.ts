import { PortolanError } from './errors.ts';
import { nameKey } from './key-value-codec.ts';
import type { KeySetOptions, KeySetResult, KeyUpdateOptions, KeyValueValues, ValueChange } from './key-value-values.ts';
import { describeIssues, type InputOf, type OutputOf, parse, type Schema } from './schema.ts';

/**
 * Values of one schema under keys with one prefix. Writes store what the schema makes of the input (defaults filled in, unknown fields as
 * the schema says) and throw INVALID with every issue; reads check what is stored, so the schema must accept its own output, and throw INTERNAL
 * for what it refuses. The rest is as in KeyValue.
 */
export interface TypedKeyValue<S extends Schema> {
  get(key: string): Promise<OutputOf<S> | undefined>;
  entry(
    key: string,
  ): Promise<{ readonly value: OutputOf<S>; readonly version: string; readonly ttlMs: number | null } | undefined>;
  getMany(keys: readonly string[]): Promise<(OutputOf<S> | undefined)[]>;
  set(key: string, value: InputOf<S>, options?: KeySetOptions): Promise<KeySetResult>;
  update(
    key: string,
    change: ValueChange<OutputOf<S>, InputOf<S>>,
    options?: KeyUpdateOptions,
  ): Promise<OutputOf<S> | undefined>;
  take(key: string): Promise<OutputOf<S> | undefined>;
  delete(key: string, options?: { readonly version?: string }): Promise<boolean>;
  exists(key: string): Promise<boolean>;
  touch(key: string, ttlMs: number | null): Promise<boolean>;
}

export function createTyped<S extends Schema>(values: KeyValueValues, schema: S, prefix: string): TypedKeyValue<S> {
  async function checked(key: string, value: unknown): Promise<OutputOf<S>> {
    try {
      return await parse(schema, value, nameKey(key));
    } catch (error) {
      if (!PortolanError.is(error, 'INVALID')) throw error;
      const issues = error.issues ?? [];
      throw new PortolanError('INTERNAL', `${nameKey(key)} holds what its schema refuses: ${describeIssues(issues)}`, {
        cause: error,
        issues,
      });
    }
  }
  const orUndefined = async (key: string, value: unknown): Promise<OutputOf<S> | undefined> =>
    value === undefined ? undefined : checked(key, value);

  return {
    async get(key) {
      const name = prefix + key;
      return orUndefined(name, await values.get(name));
    },
    async entry(key) {
      const name = prefix + key;
      const found = await values.entry(name);
      return found && { ...found, value: await checked(name, found.value) };
    },
    async getMany(keys) {
      const names = keys.map((key) => prefix + key);
      const found = await values.getMany(names);
      return Promise.all(found.map((value, at) => orUndefined(names[at] as string, value)));
    },
    async set(key, value, options) {
      const name = prefix + key;
      return values.set(name, await parse(schema, value, nameKey(name)), options);
    },
    async update(key, change, options) {
      const name = prefix + key;
      return values.update<OutputOf<S>>(
        name,
        async (current) => {
          const next = await change(await orUndefined(name, current));
          return next === undefined ? undefined : parse(schema, next, nameKey(name));
        },
        options,
      );
    },
    async take(key) {
      const name = prefix + key;
      return orUndefined(name, await values.take(name));
    },
    delete: (key, options) => values.delete(prefix + key, options),
    exists: (key) => values.exists(prefix + key),
    touch: (key, ttlMs) => values.touch(prefix + key, ttlMs),
  };
}
