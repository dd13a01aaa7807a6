import { type Cache, type Clock, cacheKey, type Queue } from '@portolan/core';
import type { z } from 'zod';
import type { Settings } from '../system/settings.ts';
import { fetchPageJob } from './jobs.ts';
import { canonicalUrl, type PageFetcher } from './safe-fetch.ts';
import type { Page, pageInput } from './schema.ts';

export type PagesService = ReturnType<typeof createPagesService>;

/** Pages by URL, cached by that URL; directly or as a background job. */
export function createPagesService(cache: Cache, queue: Queue, fetcher: PageFetcher, settings: Settings, clock: Clock) {
  return {
    async get({ url, refresh }: z.output<typeof pageInput>) {
      const canonical = canonicalUrl(url);
      const { value, status } = await cache.fetch(
        cacheKey('page', canonical),
        async ({ signal }): Promise<Page> => {
          const fetched = await fetcher.fetchPage(canonical, { signal });
          return {
            url: fetched.url,
            status: fetched.status,
            contentType: fetched.contentType,
            body: fetched.body,
            fetchedAt: new Date(clock.now()).toISOString(),
          };
        },
        { freshMs: settings.get('cacheTtlMs'), ...(refresh ? { mode: 'refresh' as const } : {}) },
      );
      return { ...value, cache: status };
    },
    /** The URL is checked now, so that one that can never be fetched is refused here and not found failing later. */
    async enqueue({ url, refresh }: z.output<typeof pageInput>) {
      const canonical = canonicalUrl(url);
      fetcher.check(canonical);
      const { id } = await queue.enqueue(fetchPageJob, { url: canonical, refresh: refresh ?? false });
      return { jobId: id };
    },
  };
}
