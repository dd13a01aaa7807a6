import { z } from 'zod';

export const pingOutput = z.object({ pong: z.literal(true), at: z.string() });
export const infoOutput = z.object({
  version: z.string(),
  backend: z.object({ name: z.string(), shared: z.boolean(), durable: z.boolean() }),
  instance: z.string(),
  pid: z.int(),
});

export const cacheListInput = z.strictObject({
  pattern: z.string().max(512).optional().describe('glob: * any run, ? one character, \\ escapes'),
  cursor: z.string().max(20_000).nullish(),
  limit: z.int().min(1).max(1_000).optional(),
});
export const cacheListOutput = z.object({
  entries: z.array(z.object({ key: z.string(), ttlMs: z.number(), size: z.number() })),
  cursor: z.string().nullable(),
});
export const cacheEntryInput = z.strictObject({ key: z.string().min(1).max(512) });
export const cacheEntryOutput = z.object({
  key: z.string(),
  value: z.unknown(),
  type: z.string(),
  ttlMs: z.number().describe('until the entry disappears'),
  freshMs: z.number().describe('until it is asked for anew; 0 when it is stale'),
  ageMs: z.number(),
  tags: z.array(z.string()),
});
