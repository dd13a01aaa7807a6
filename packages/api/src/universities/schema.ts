import { z } from 'zod';

export const searchInput = z
  .strictObject({
    country: z.string().min(1).max(200).optional(),
    name: z.string().min(1).max(200).optional(),
    refresh: z.boolean().optional().describe('ask the upstream even when the cache has an answer'),
  })
  .refine((input) => input.country ?? input.name, { message: 'country or name is required', path: ['country'] });

export const cacheStatus = z.enum(['HIT', 'MISS', 'STALE']);
export const searchOutput = z.object({
  universities: z.array(z.record(z.string(), z.unknown())),
  cache: cacheStatus,
  ageMs: z.number(),
});
export type SearchOutput = z.output<typeof searchOutput>;
