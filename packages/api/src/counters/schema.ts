import { z } from 'zod';

const name = z.string().min(1).max(512);
export const nameInput = z.strictObject({ name });
export const incrementInput = z.strictObject({
  name,
  by: z.int().optional().describe('1 unless told; negative counts down'),
  ttlMs: z.int().min(1).optional().describe('time to live in ms, set when the counter is new'),
});
export const setInput = z.strictObject({ name, value: z.int() });
export const valueOutput = z.object({ value: z.int() });
