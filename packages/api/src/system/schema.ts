import { z } from 'zod';

export const pingOutput = z.object({ pong: z.literal(true), at: z.string() });
export const infoOutput = z.object({
  version: z.string(),
  backend: z.object({ name: z.string(), shared: z.boolean(), durable: z.boolean() }),
  instance: z.string(),
  pid: z.int(),
});
