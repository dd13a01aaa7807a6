import type { Step } from '../tour.ts';

/** System 3: the cached API. */
export const universities: Step = {
  title: 'Cached API: universities of a country',
  async play({ client, url, run }, say) {
    const name = run.slice(-1);
    const first = await client.universities.search.query({ country: 'Israel', refresh: true });
    say.tell('asked the upstream', { universities: first.universities.length, cache: first.cache });
    const second = await client.universities.search.query({ country: 'Israel' });
    say.expect('asked again', second.cache, 'HIT');
    say.expect('with the same answer', second.universities, first.universities);

    await client.universities.search.query({ country: 'Israel', name, refresh: true });
    const swapped = await fetch(new URL(`/api/universities?name=${name}&country=Israel`, url), {
      headers: process.env.PORTOLAN_TOKEN ? { authorization: `Bearer ${process.env.PORTOLAN_TOKEN}` } : {},
    });
    say.expect(
      'over REST, parameters the other way round',
      [swapped.status, swapped.headers.get('x-cache')],
      [200, 'HIT'],
    );

    const cached = await client.system.cacheList.query({ pattern: 'universities:*', limit: 1_000 });
    const entry = await client.system.cacheEntry.query({ key: cached.entries[0]?.key ?? '' });
    say.expect('what the cache holds can be looked at', [entry.type, entry.ttlMs > 0], ['json', true]);
  },
};
