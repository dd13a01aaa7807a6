import { z } from 'zod';

const topic = z.string().min(1).max(128);
export const publishInput = z.strictObject({
  topic,
  data: z.unknown().refine((value) => value !== undefined, 'required: any JSON value'),
});
export const publishOutput = z.object({ id: z.string() });
export const streamInput = z.strictObject({
  topic,
  lastEventId: z.string().max(64).nullish().describe('resumes behind this message'),
  after: z.string().max(64).optional().describe('start, end or a message id; end unless told'),
});
