import { type DemoSite, startDemoSite } from '@portolan/demo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GateSite, startGateSite } from './gate-site.ts';
import { startServer, type TestServer } from './processes.ts';
import { BACKENDS, eventually, isMissing, redisUrl, type System, startSystem, storeEnv } from './systems.ts';

interface University {
  readonly name: string;
  readonly country: string;
}

async function search(url: string, parameters: string) {
  const response = await fetch(`${url}/api/universities?${parameters}`);
  return {
    status: response.status,
    cache: response.headers.get('x-cache'),
    age: response.headers.get('age'),
    body: (await response.json()) as unknown,
  };
}

describe.each(BACKENDS)('universities on %s', (backend) => {
  describe.skipIf(isMissing(backend))('', () => {
    let site: DemoSite;
    let system: System;
    let url: string;
    const asked = () => site.requests['/search'] ?? 0;
    beforeAll(async () => {
      site = await startDemoSite();
      system = await startSystem(backend, { UNIVERSITIES_URL: `${site.url}/search` });
      url = system.server.url;
    });
    afterAll(async () => {
      await system?.close();
      await site?.close();
    });

    it('the answer is the array of the upstream, with its letters', async () => {
      for (const country of ['Brazil', 'Israel', 'Türkiye', '中国']) {
        const query = `country=${encodeURIComponent(country)}`;
        const upstream = (await (await fetch(`${site.url}/search?${query}`)).json()) as University[];
        const answer = await search(url, query);
        expect(answer).toEqual({ status: 200, cache: 'MISS', age: '0', body: upstream });
        expect(await search(url, query)).toMatchObject({ cache: 'HIT', body: upstream });
      }
    });

    it('parameters in any order are one cache entry', async () => {
      const before = asked();
      const answers: Awaited<ReturnType<typeof search>>[] = [];
      for (const query of [
        'country=Israel&name=tel',
        'name=tel&country=Israel',
        'name=%74el&country=%49srael',
        'refresh=false&name=tel&country=Israel',
      ]) {
        answers.push(await search(url, query));
      }
      expect(answers.map(({ cache }) => cache)).toEqual(['MISS', 'HIT', 'HIT', 'HIT']);
      expect(answers.map(({ body }) => body)).toEqual(answers.map(() => answers[0]?.body));
      expect(asked()).toBe(before + 1);
      expect((await search(url, 'name=Israel&country=tel')).cache).toBe('MISS');
    });

    it('refresh asks the upstream anew, and what it answered is the entry from then on', async () => {
      await search(url, 'country=Chile');
      const before = asked();
      expect((await search(url, 'country=Chile&refresh=true')).cache).toBe('MISS');
      expect((await search(url, 'country=Chile&refresh')).cache).toBe('MISS');
      expect(asked()).toBe(before + 2);
      expect((await search(url, 'country=Chile')).cache).toBe('HIT');
      expect(asked()).toBe(before + 2);
    });

    it('a hundred misses at once make one call of the upstream', async () => {
      const before = asked();
      const answers = await Promise.all(Array.from({ length: 100 }, () => search(url, 'country=France')));
      expect(asked()).toBe(before + 1);
      expect(answers.every(({ status }) => status === 200)).toBe(true);
      expect(answers.filter(({ cache }) => cache === 'MISS').length).toBeGreaterThanOrEqual(1);
    });

    it('what is wrong with the question is told', async () => {
      for (const query of ['', 'country=', `country=${'x'.repeat(201)}`, 'country=Chile&refresh=maybe']) {
        const { status, body } = await search(url, query);
        expect([query.slice(0, 30), status]).toEqual([query.slice(0, 30), 400]);
        expect(body).toMatchObject({ code: 'INVALID' });
      }
    });
  });

  describe.skipIf(isMissing(backend))('and an upstream that fails', () => {
    let gate: GateSite;
    let server: TestServer;
    beforeAll(async () => {
      gate = await startGateSite('[{"name":"One","country":"Here"}]');
      server = await startServer({ ...storeEnv(backend), UNIVERSITIES_URL: `${gate.url}/search` });
    });
    afterAll(async () => {
      await server?.end('SIGKILL');
      await gate?.close();
    });

    it('callers that come while it is asked wait for its one answer', async () => {
      const before = gate.arrivals;
      const answers = Array.from({ length: 100 }, () => search(server.url, 'country=Here&name=wait'));
      await eventually(
        () => gate.arrivals,
        (count) => count > before,
      );
      gate.open();
      expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(
        answers.map(() => [{ name: 'One', country: 'Here' }]),
      );
      expect(gate.arrivals).toBe(before + 1);
    });

    it('an answer of several megabytes is cached like any other', async () => {
      const many = Array.from({ length: 20_000 }, (_, n) => ({
        name: `University ${n} ${'x'.repeat(100)}`,
        country: 'Big',
      }));
      const before = gate.arrivals;
      const was = gate.answer;
      gate.answer = { status: 200, body: JSON.stringify(many) };
      const caches = [];
      for (let ask = 0; ask < 3; ask++) {
        const answer = await fetch(`${server.url}/api/universities?country=Big`);
        expect(((await answer.json()) as unknown[]).length).toBe(20_000);
        caches.push(answer.headers.get('x-cache'));
      }
      gate.answer = was;
      expect(caches).toEqual(['MISS', 'HIT', 'HIT']);
      expect(gate.arrivals).toBe(before + 1);
    });

    it('without an entry it is 503, with one the old answer serves as STALE with its age, and then it is well again', async () => {
      const args = { name: 'cacheTtlMs', value: 50 };
      await fetch(`${server.url}/api/commands`, {
        method: 'POST',
        body: JSON.stringify({ name: 'settings.set', args }),
      });
      expect((await search(server.url, 'country=Here')).cache).toBe('MISS');
      gate.answer = { status: 500, body: 'no' };
      const without = await search(server.url, 'country=Nowhere');
      expect(without).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
      const stale = await eventually(
        () => search(server.url, 'country=Here'),
        ({ cache }) => cache === 'STALE',
      );
      expect(stale).toMatchObject({ status: 200, body: [{ name: 'One' }] });
      expect(Number(stale.age)).toBeGreaterThanOrEqual(0);
      gate.answer = { status: 200, body: '[{"name":"Two","country":"Here"}]' };
      await eventually(
        () => search(server.url, 'country=Here'),
        ({ body }) => (body as University[])[0]?.name === 'Two',
      );
      gate.answer = { status: 200, body: '{"not":"a list"}' };
      const broken = await search(server.url, 'country=Broken');
      expect(broken.status).toBeGreaterThanOrEqual(500);
      expect(JSON.stringify(broken.body)).not.toMatch(/stack|\.ts|zod/i);
      await gate.close();
      expect((await search(server.url, 'country=Gone')).status).toBe(503);
      expect((await search(server.url, 'country=Here')).status).toBe(200);
    });
  });
});

describe.skipIf(!redisUrl)('two servers on one Redis', () => {
  it('a hundred misses at once at both make one call of the upstream, and both serve the entry', async () => {
    const gate = await startGateSite('[{"name":"One","country":"Here"}]');
    const env = { ...storeEnv('redis'), UNIVERSITIES_URL: `${gate.url}/search` };
    const servers = await Promise.all([startServer(env), startServer(env)]);
    try {
      const answers = Array.from({ length: 100 }, (_, n) => search(servers[n % 2]?.url ?? '', 'country=Here'));
      await eventually(
        () => gate.arrivals,
        (count) => count > 0,
      );
      gate.open();
      expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true);
      expect(gate.arrivals).toBe(1);
      for (const { url } of servers) expect((await search(url, 'country=Here')).cache).toBe('HIT');
    } finally {
      await Promise.all(servers.map((server) => server.end('SIGKILL')));
      await gate.close();
    }
  });
});
