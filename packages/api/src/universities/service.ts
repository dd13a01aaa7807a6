import { type Cache, cacheKey } from '@portolan/core';
import type { z } from 'zod';
import type { Settings } from '../system/settings.ts';
import type { searchInput } from './schema.ts';
import type { UniversitiesUpstream, University } from './upstream.ts';

/** How long after its freshness an answer still serves while the upstream fails. */
const IF_ERROR_MS = 3_600_000;

export type UniversitiesService = ReturnType<typeof createUniversitiesService>;

/** Universities from the upstream, cached under a key that does not depend on the order of the parameters. */
export function createUniversitiesService(cache: Cache, upstream: UniversitiesUpstream, settings: Settings) {
  return {
    async search({ refresh, ...query }: z.output<typeof searchInput>) {
      const { value, status, ageMs } = await cache.fetch<University[]>(
        cacheKey('universities', query),
        ({ signal }) => upstream.search(query, signal),
        {
          freshMs: settings.get('cacheTtlMs'),
          ifErrorMs: IF_ERROR_MS,
          ...(refresh ? { mode: 'refresh' as const } : {}),
        },
      );
      return { universities: value, cache: status, ageMs };
    },
  };
}
