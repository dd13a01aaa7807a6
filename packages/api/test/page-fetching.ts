import { silentLogger } from '@portolan/core';
import { type DemoSite, startDemoSite } from '@portolan/demo';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { createPageFetcher, type PageFetcher, type PageFetcherOptions } from '../src/pages/safe-fetch.ts';
import { startRawSite } from './raw-site.ts';

/** The demo site for one test file, and fetchers and raw sites that are closed after each test. */
export function usePageFetching() {
  let demo: DemoSite | undefined;
  const cleanups: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    demo = await startDemoSite({ universities: [] });
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  afterAll(() => demo?.close());

  function site(): DemoSite {
    if (!demo) throw new Error('the demo site is not up');
    return demo;
  }
  function fetcher(allow: readonly string[], options: Partial<PageFetcherOptions> = {}): PageFetcher {
    const made = createPageFetcher({ allow, logger: silentLogger, ...options });
    cleanups.push(() => made.close());
    return made;
  }
  return {
    site,
    fetcher,
    demoFetcher: (options: Partial<PageFetcherOptions> = {}) => fetcher([`127.0.0.1:${site().port}`], options),
    async rawSite(...respond: Parameters<typeof startRawSite>) {
      const raw = await startRawSite(...respond);
      cleanups.push(() => raw.close());
      return raw;
    },
    cleanup: (step: () => Promise<void>) => void cleanups.push(step),
  };
}

/** Matches a PortolanError by code and message. */
export const failing = (code: string, message?: RegExp) =>
  expect.objectContaining({ code, ...(message ? { message: expect.stringMatching(message) } : {}) });
