import { defineJob, type Handler, handle } from '@portolan/core';
import { z } from 'zod';
import type { KeptResults } from '../jobs/results.ts';
import { type Page, page } from './schema.ts';

export const fetchPageJob = defineJob({
  name: 'pages.fetch',
  queue: 'pages',
  input: z.object({ url: z.string(), refresh: z.boolean() }),
  output: page.omit({ body: true }),
  attempts: 3,
  backoff: { kind: 'exponential', delayMs: 500, maxMs: 10_000, jitter: 0.5 },
  timeoutMs: 60_000,
});

/** Fetches a page (through the cache) and keeps it as the job's result; the queue itself holds no page bodies. */
export function fetchPageHandler(
  fetchPage: (wanted: { url: string; refresh: boolean }) => Promise<Page>,
  results: KeptResults,
): Handler {
  return handle(fetchPageJob, async (wanted, job) => {
    const { url, status, contentType, body, fetchedAt } = await fetchPage(wanted);
    const summary = { url, status, contentType, fetchedAt };
    await results.keep(fetchPageJob.name, job, { ...summary, body });
    return summary;
  });
}
