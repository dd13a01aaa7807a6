import { type DemoSite, startDemoSite } from '@portolan/demo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, eventually, isMissing, type System, startSystem } from './systems.ts';

interface Page {
  readonly url: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly fetchedAt: string;
  readonly cache: string;
}
interface Job {
  readonly state: string;
  readonly attempts: number;
  readonly result?: Omit<Page, 'cache'>;
  readonly error?: { readonly code: string; readonly message: string };
}

describe.each(BACKENDS)('pages on %s', (backend) => {
  describe.skipIf(isMissing(backend))('', () => {
    let site: DemoSite;
    let system: System;
    let url: string;
    beforeAll(async () => {
      site = await startDemoSite();
      system = await startSystem(backend, { FETCH_ALLOW: `127.0.0.1:${site.port}` });
      url = system.server.url;
    });
    afterAll(async () => {
      await system?.close();
      await site?.close();
    });

    const at = (path: string): string => `${site.url}/pages/${path}`;
    async function get<T = Page>(page: string, more = ''): Promise<{ status: number; body: T }> {
      const response = await fetch(`${url}/api/pages?url=${encodeURIComponent(page)}${more}`);
      return { status: response.status, body: (await response.json()) as T };
    }
    async function push(page: string, refresh?: boolean): Promise<{ status: number; jobId: string }> {
      const response = await fetch(`${url}/api/pages`, {
        method: 'POST',
        body: JSON.stringify({ url: page, refresh }),
      });
      const body = (await response.json()) as { jobId: string };
      return { status: response.status, jobId: body.jobId };
    }
    async function ended(jobId: string): Promise<Job> {
      return eventually(
        async () => (await (await fetch(`${url}/api/jobs/${jobId}`)).json()) as Job,
        ({ state }) => state === 'completed' || state === 'failed',
        15_000,
      );
    }

    it('a page is fetched once, then it is in the cache; refresh fetches anew', async () => {
      const page = at('hello?once');
      const first = await get(page);
      expect(first).toEqual({
        status: 200,
        body: {
          url: page,
          status: 200,
          contentType: 'text/html; charset=utf-8',
          body: expect.stringContaining('Hello from the demo site'),
          fetchedAt: expect.stringMatching(/Z$/),
          cache: 'MISS',
        },
      });
      expect((await get(page)).body).toEqual({ ...first.body, cache: 'HIT' });
      expect((await get(page, '&refresh=true')).body.cache).toBe('MISS');
      expect((await get(page)).body.fetchedAt).not.toBe(first.body.fetchedAt);
    });

    it('redirects are followed, gzip is read, a slow page is waited for, an error page is an answer', async () => {
      expect((await get(at('redirect'))).body).toMatchObject({ status: 200, url: at('hello') });
      expect((await get(at('gzip'))).body.body).toContain('This page travelled as gzip');
      expect((await get(at('slow?ms=200'))).body.body).toContain('It took a while');
      expect(await get(at('error'))).toMatchObject({ status: 200, body: { status: 500 } });
      expect((await get(at('nothing'))).body.status).toBe(404);
    });

    it('a broken answer and redirects without end are failures, and are not cached', async () => {
      for (const page of ['broken', 'redirect-loop']) {
        const failed = await get<{ code: string }>(at(page));
        expect([page, failed.status, failed.body.code]).toEqual([page, 503, 'UNAVAILABLE']);
      }
      const before = site.requests['/pages/broken'] ?? 0;
      await get(at('broken'));
      expect(site.requests['/pages/broken']).toBe(before + 1);
    });

    it('a hundred callers of one page make one fetch', async () => {
      const before = site.requests['/pages/number/100'] ?? 0;
      const pages = await Promise.all(Array.from({ length: 100 }, () => get(at('number/100?ms=100'))));
      expect(new Set(pages.map(({ body }) => body.fetchedAt)).size).toBe(1);
      expect(site.requests['/pages/number/100']).toBe(before + 1);
    });

    it('as a job: accepted, its result is the page, and the page is in the cache', async () => {
      const { status, jobId } = await push(at('number/7'));
      expect([status, typeof jobId]).toEqual([202, 'string']);
      const job = await ended(jobId);
      const page = { url: at('number/7'), status: 200, contentType: 'text/html; charset=utf-8' };
      expect(job).toMatchObject({ id: jobId, queue: 'pages', name: 'pages.fetch', state: 'completed', result: page });
      expect(job.result?.body).toContain('page number 7');
      expect(job.result).not.toHaveProperty('cache');
      expect((await get(at('number/7'))).body).toMatchObject({ cache: 'HIT', fetchedAt: job.result?.fetchedAt });
      for (const [path, wanted] of [
        ['redirect?job', { url: at('hello'), status: 200 }],
        ['error?job', { status: 500 }],
        ['gzip?job', { body: expect.stringContaining('gzip') }],
      ] as const) {
        const { jobId } = await push(at(path));
        expect((await ended(jobId)).result).toMatchObject(wanted);
      }
    });

    it('as a job, a broken page is tried again before it has failed, and an endless redirect is not', async () => {
      const [broken, endless] = await Promise.all([push(at('broken?job')), push(at('redirect-loop?job'))]);
      expect(await ended(endless.jobId)).toMatchObject({
        state: 'failed',
        attempts: 1,
        error: { code: 'UNAVAILABLE' },
      });
      expect(await ended(broken.jobId)).toMatchObject({ state: 'failed', attempts: 3, error: { code: 'UNAVAILABLE' } });
    });

    it('addresses that are not public are refused, and no job is made for them', async () => {
      for (const page of [
        'http://169.254.169.254/latest/meta-data',
        'http://127.0.0.1:1/',
        `http://localhost:${site.port}/pages/hello`,
        'http://[::1]/',
        'http://10.0.0.1/',
        'http://0x7f.1/',
      ]) {
        const refused = await get<{ code: string; message: string }>(page);
        expect([page, refused.status, refused.body.code]).toEqual([page, 403, 'FORBIDDEN']);
        expect([page, (await push(page)).status]).toEqual([page, 403]);
      }
      for (const page of ['ftp://example.com/', 'nonsense', 'http://user:secret@example.com/']) {
        const refused = await get<{ code: string; message: string }>(page);
        expect([page, refused.status, refused.body.code]).toEqual([page, 400, 'INVALID']);
        expect(refused.body.message).not.toContain('secret');
        expect((await push(page)).status).toBe(400);
      }
    });
  });
});
