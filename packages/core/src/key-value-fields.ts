import { invalid } from './errors.ts';
import { checkSize, commitOne, type KeyValueContext, nameKey, type Ttl, writeExpiry } from './key-value-codec.ts';
import { checkKey } from './names.ts';
import { decodeJson, encodeJson } from './schema.ts';

/** Maps of JSON values under one key. A key that holds a value refuses all of these with CONFLICT; `delete` and `set` replace the map. */
export interface KeyValueFields {
  /** Sets fields, leaving the others; answers how many are new. Without a TTL the key keeps its expiry. Atomic. One round trip. */
  setFields(
    key: string,
    fields: Readonly<Record<string, unknown>>,
    options?: { readonly ttlMs?: Ttl },
  ): Promise<number>;
  /** The named fields, or all of them (which nothing bounds: name those of a map of many thousands); those that are not there are left out. undefined when the key is absent. One round trip. */
  getFields(key: string, fields?: readonly string[]): Promise<Record<string, unknown> | undefined>;
  getField(key: string, field: string): Promise<unknown | undefined>;
  hasField(key: string, field: string): Promise<boolean>;
  /** Answers how many were there. A key whose last field goes is absent. Atomic. One round trip. */
  deleteFields(key: string, fields: readonly string[]): Promise<number>;
}

const nameField = (key: string, field: string): string => `field ${JSON.stringify(field)} of ${nameKey(key)}`;

/** The texts of fields, checked. `Object.fromEntries` makes own properties only, so a field named `__proto__` is one like any other. */
export function encodeFields(
  context: KeyValueContext,
  key: string,
  fields: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const entries = Object.entries(fields).map(([field, value]) => {
    checkKey(field, 'field');
    const what = () => nameField(key, field);
    return [field, checkSize(context, encodeJson(value, what), what)] as const;
  });
  if (entries.length === 0) throw invalid(`fields of ${nameKey(key)}: at least one`);
  return Object.fromEntries(entries);
}

/** Field names, checked, each once. */
export function checkFields(key: string, fields: readonly string[]): string[] {
  if (fields.length === 0) throw invalid(`fields of ${nameKey(key)}: at least one`);
  for (const field of fields) checkKey(field, 'field');
  return [...new Set(fields)];
}

export function createFields(context: KeyValueContext): KeyValueFields {
  async function getFields(key: string, fields?: readonly string[]): Promise<Record<string, unknown> | undefined> {
    const stored = await context.port.readFields(checkKey(key), fields && checkFields(key, fields));
    if (!stored) return undefined;
    const decoded = Object.entries(stored).map(([field, text]) => [field, decodeJson(text, nameField(key, field))]);
    return Object.fromEntries(decoded);
  }

  async function one(key: string, field: string): Promise<string | undefined> {
    const stored = await context.port.readFields(checkKey(key), [checkKey(field, 'field')]);
    return stored && Object.hasOwn(stored, field) ? stored[field] : undefined;
  }

  return {
    async setFields(key, fields, { ttlMs } = {}) {
      checkKey(key);
      const expiresAt = writeExpiry(context, ttlMs, 'keep');
      return commitOne(context, { op: 'setFields', key, fields: encodeFields(context, key, fields), expiresAt });
    },
    getFields,
    async getField(key, field) {
      const text = await one(key, field);
      return text === undefined ? undefined : decodeJson(text, nameField(key, field));
    },
    async hasField(key, field) {
      return (await one(key, field)) !== undefined;
    },
    async deleteFields(key, fields) {
      checkKey(key);
      return commitOne(context, { op: 'deleteFields', key, fields: checkFields(key, fields) });
    },
  };
}
