import { z } from 'zod';

export const sendInput = z.strictObject({
  name: z.string().min(1).max(128),
  args: z.unknown().optional(),
  role: z.string().min(1).max(64).optional().describe('only processes of this role: server or worker'),
  timeoutMs: z.int().min(1).max(60_000).optional(),
});
export const sendOutput = z.object({
  id: z.string(),
  expected: z.int(),
  replies: z.array(
    z.object({
      instance: z.string(),
      role: z.string(),
      host: z.string(),
      pid: z.int(),
      outcome: z.enum(['ok', 'failed', 'skipped']),
      result: z.unknown().optional(),
      error: z.object({ code: z.string(), message: z.string() }).optional(),
      ms: z.number(),
    }),
  ),
  missing: z.array(z.string()).describe('alive, but silent until the timeout'),
  lost: z.array(z.string()).describe('gone before they replied: whether they ran it is not known'),
});
export const instancesOutput = z.object({
  instances: z.array(
    z.object({
      instance: z.string(),
      role: z.string(),
      host: z.string(),
      pid: z.int(),
      version: z.string(),
      startedAt: z.string(),
      lastSeen: z.string(),
    }),
  ),
});
