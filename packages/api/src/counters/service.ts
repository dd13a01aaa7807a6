import { type Counter, PortolanError } from '@portolan/core';
import type { z } from 'zod';
import type { incrementInput } from './schema.ts';

export type CountersService = ReturnType<typeof createCountersService>;

/** Named integers. One that was never counted is 0. */
export function createCountersService(counter: Counter) {
  return {
    async increment({ name, by = 1, ttlMs }: z.output<typeof incrementInput>) {
      const { value, applied } = await counter.increment(name, { by, ...(ttlMs ? { ttlMs } : {}) });
      if (applied !== by) {
        throw new PortolanError(
          'CONFLICT',
          `counter ${name}: ${value} and ${by} make no integer that can be kept exactly`,
        );
      }
      return { value };
    },
    get: async (name: string) => ({ value: (await counter.get(name))?.value ?? 0 }),
    async set(name: string, value: number) {
      await counter.set(name, value);
      return { value };
    },
  };
}
