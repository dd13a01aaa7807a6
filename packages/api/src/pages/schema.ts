import { z } from 'zod';
import { cacheStatus } from '../universities/schema.ts';

const url = z.string().min(1).max(4_096);
export const pageInput = z.strictObject({ url, refresh: z.boolean().optional().describe('fetch anew') });
export const page = z.object({
  url: z.string().describe('after redirects'),
  status: z.int(),
  contentType: z.string(),
  body: z.string(),
  fetchedAt: z.string().describe('ISO 8601'),
});
export type Page = z.output<typeof page>;
export const pageOutput = page.extend({ cache: cacheStatus });
export const enqueuedOutput = z.object({ jobId: z.string() });
