import type { Counter } from '@portolan/core';
import type { z } from 'zod';
import type { incrementInput } from './schema.ts';

export type CountersService = ReturnType<typeof createCountersService>;

/** Named integers. One that was never counted is 0. */
export function createCountersService(counter: Counter) {
  return {
    async increment({ name, by, ttlMs }: z.output<typeof incrementInput>) {
      const { value } = await counter.increment(name, {
        ...(by === undefined ? {} : { by }),
        ...(ttlMs ? { ttlMs } : {}),
      });
      return { value };
    },
    get: async (name: string) => ({ value: (await counter.get(name))?.value ?? 0 }),
    async set(name: string, value: number) {
      await counter.set(name, value);
      return { value };
    },
  };
}
