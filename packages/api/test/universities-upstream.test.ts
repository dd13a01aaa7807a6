import { gzipSync } from 'node:zlib';
import { type DemoSite, startDemoSite, type University } from '@portolan/demo';
import { afterEach, describe, expect, it } from 'vitest';
import { createUniversitiesUpstream, type UniversitiesUpstreamOptions } from '../src/universities/upstream.ts';
import { answer, startRawSite } from './raw-site.ts';

const university = (name: string, country: string): University => ({
  name,
  domains: ['example.edu'],
  web_pages: ['http://example.edu/'],
  country,
  alpha_two_code: 'XX',
  'state-province': null,
});
const LIST = [
  university('Tel Aviv University', 'Israel'),
  university('University of Haifa', 'Israel'),
  university('Universidade Federal do Paraná', 'Brazil'),
];

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function upstream(url: string, options: Partial<UniversitiesUpstreamOptions> = {}) {
  const made = createUniversitiesUpstream({ url, ...options });
  cleanups.push(() => made.close());
  return made;
}
async function demoSite(list: readonly University[] = LIST): Promise<DemoSite> {
  const site = await startDemoSite({ universities: list });
  cleanups.push(() => site.close());
  return site;
}
async function rawSite(bytes: string | Buffer) {
  const site = await startRawSite((socket) => void (bytes.length > 0 && socket.write(bytes)));
  cleanups.push(() => site.close());
  return site;
}
const json = (body: string | Buffer, ...headers: string[]) =>
  answer(['content-type: application/json', ...headers], body);
const failing = (code: string, message?: RegExp) =>
  expect.objectContaining({ code, ...(message ? { message: expect.stringMatching(message) } : {}) });

describe('the universities upstream', () => {
  it('finds by country, by name, and by both', async () => {
    const site = await demoSite();
    const { search } = upstream(`${site.url}/search`);
    expect(await search({ country: 'Israel' })).toEqual(LIST.slice(0, 2));
    expect(await search({ name: 'paraná' })).toEqual(LIST.slice(2));
    expect(await search({ name: 'haifa', country: 'israel' })).toEqual(LIST.slice(1, 2));
    expect(await search({ country: 'Atlantis' })).toEqual([]);
    expect(await search({ country: 'a&name=b' })).toEqual([]);
    expect(site.requests).toEqual({ '/search': 5 });
  });

  it('keeps the parameters of its URL and sends no empty ones', async () => {
    const site = await rawSite(json('[]'));
    await upstream(`${site.url}/search?key=1`).search({ country: 'Korea, Republic of' });
    expect(site.heads[0]).toContain('GET /search?key=1&country=Korea%2C+Republic+of HTTP/1.1');
  });

  it('keeps fields it does not know and lets the optional ones be missing', async () => {
    const entries = [{ name: 'A', country: 'B', rank: 3, links: { x: [1] } }];
    const site = await rawSite(json(gzipSync(JSON.stringify(entries)), 'content-encoding: gzip'));
    expect(await upstream(site.url).search({ name: 'A' })).toEqual(entries);
  });

  it('reads the whole list it may be given', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => university(`University ${index}`, 'Everywhere'));
    const site = await demoSite(many);
    expect(await upstream(`${site.url}/search`).search({ country: 'every' })).toHaveLength(10_000);
  });

  it.each([
    ['no JSON', '<html>sorry</html>'],
    ['cut JSON', '[{"name":"A","country":"B"'],
    ['no list', '{"name":"A","country":"B"}'],
    ['a list of something else', '[1,2]'],
    ['an entry without a name', '[{"name":"A","country":"B"},{"country":"B"}]'],
    ['domains that are none', '[{"name":"A","country":"B","domains":"x"}]'],
    ['nothing', ''],
  ])('that answers %s is an internal error', async (_what, body) => {
    const site = await rawSite(json(body));
    const failed = upstream(site.url).search({ country: 'B' });
    await expect(failed).rejects.toThrow(failing('INTERNAL', /did not answer with/));
    await expect(failed).rejects.toMatchObject({ retryable: false });
  });

  it.each([
    ['500 Oops', 'UNAVAILABLE'],
    ['503 Busy', 'UNAVAILABLE'],
    ['429 Slow down', 'UNAVAILABLE'],
    ['404 Not Found', 'INTERNAL'],
    ['302 Found', 'INTERNAL'],
    ['204 No Content', 'INTERNAL'],
  ])('that answers %s fails with %s', async (status, code) => {
    const site = await rawSite(answer(['location: /'], status.startsWith('204') ? '' : '[]', status));
    await expect(upstream(site.url).search({})).rejects.toThrow(failing(code, new RegExp(status.slice(0, 3))));
  });

  it('that cannot be reached or breaks off is unavailable', async () => {
    const site = await rawSite('');
    await site.close();
    await expect(upstream(site.url).search({})).rejects.toThrow(failing('UNAVAILABLE'));
    const demo = await demoSite();
    await expect(upstream(`${demo.url}/pages/broken`).search({})).rejects.toThrow(failing('UNAVAILABLE'));
    const other = await rawSite('220 smtp ready\r\n');
    await expect(upstream(other.url).search({})).rejects.toThrow(failing('UNAVAILABLE'));
  });

  it('that is silent or slow times out', async () => {
    const silent = await rawSite('');
    await expect(upstream(silent.url, { timeoutMs: 100 }).search({})).rejects.toThrow(
      failing('TIMEOUT', /within 100 ms/),
    );
    await silent.idle();
    const half = await rawSite('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[');
    await expect(upstream(half.url, { timeoutMs: 100 }).search({})).rejects.toThrow(failing('TIMEOUT'));
  });

  it('that sends too much is cut', async () => {
    const site = await rawSite(json(gzipSync(`["${'x'.repeat(5_000_000)}"]`), 'content-encoding: gzip'));
    await expect(upstream(site.url, { maxBytes: 100_000 }).search({})).rejects.toThrow(failing('TOO_LARGE'));
    await site.idle();
  });

  it('stops when the caller gives up', async () => {
    const silent = await rawSite('');
    const caller = new AbortController();
    const cancelled = expect(upstream(silent.url).search({}, caller.signal)).rejects.toThrow(failing('CANCELLED'));
    while (silent.heads.length === 0) await new Promise(setImmediate);
    caller.abort();
    await cancelled;
  });

  it.each(['', 'universities.hipolabs.com', 'ftp://example.com/', '/search'])('does not stand at "%s"', (url) => {
    expect(() => createUniversitiesUpstream({ url })).toThrow(failing('INVALID', /like http/));
  });
});
