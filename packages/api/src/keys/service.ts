import { type KeyValue, PortolanError } from '@portolan/core';
import type { z } from 'zod';
import type { listInput, setFieldsInput, setInput } from './schema.ts';

export type KeysService = ReturnType<typeof createKeysService>;

/** Values and fields under keys, with JSON in and out. */
export function createKeysService(keyValue: KeyValue) {
  /** Why a key has no value to answer. */
  async function notAValue(key: string): Promise<PortolanError> {
    if (await keyValue.exists(key)) return new PortolanError('CONFLICT', `key ${key} holds fields: ask for those`);
    return new PortolanError('NOT_FOUND', `key ${key}: nothing is stored there`);
  }

  return {
    async get(key: string) {
      const entry = await keyValue.entry(key);
      if (!entry) throw await notAValue(key);
      return { key, ...entry };
    },
    set: ({ key, value, ...options }: z.output<typeof setInput>) => keyValue.set(key, value, options),
    delete: async (key: string) => ({ deleted: await keyValue.delete(key) }),
    async list({ pattern, cursor, limit }: z.output<typeof listInput>) {
      const page = await keyValue.keys({ match: pattern ?? '*', cursor: cursor ?? null, ...(limit ? { limit } : {}) });
      return { keys: [...page.keys], cursor: page.cursor };
    },
    async setFields({ key, fields, ttlMs }: z.output<typeof setFieldsInput>) {
      await keyValue.setFields(key, fields, ttlMs ? { ttlMs } : {});
      return { fields: (await keyValue.getFields(key)) ?? {} };
    },
    getFields: async (key: string) => ({ fields: (await keyValue.getFields(key)) ?? {} }),
    async getField(key: string, field: string) {
      const value = await keyValue.getField(key, field);
      if (value === undefined) throw new PortolanError('NOT_FOUND', `key ${key}: no field ${field}`);
      return { value };
    },
    hasField: (key: string, field: string) => keyValue.hasField(key, field),
    deleteField: async (key: string, field: string) => ({ deleted: (await keyValue.deleteFields(key, [field])) > 0 }),
  };
}
