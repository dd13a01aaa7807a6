import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type DemoSite, startDemoSite } from '@portolan/demo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runToEnd } from './run-to-end.ts';
import { BACKENDS, isMissing, type System, startSystem } from './systems.ts';

let site: DemoSite;
beforeAll(async () => {
  site = await startDemoSite();
});
afterAll(() => site?.close());

const tour = (url: string, env: Record<string, string> = {}) =>
  runToEnd('client', env, ['--url', url, '--site', site.url]);

describe.each(BACKENDS)('the tour on %s', (backend) => {
  describe.skipIf(isMissing(backend))('', () => {
    let system: System;
    const token = 'secret-of-the-tour';
    beforeAll(async () => {
      system = await startSystem(backend, {
        UNIVERSITIES_URL: `${site.url}/search`,
        FETCH_ALLOW: `127.0.0.1:${site.port}`,
        API_TOKENS: `tour:${token}:admin,guest:secret-of-guests:read`,
      });
    });
    afterAll(() => system?.close());

    it('passes all five systems, twice', async () => {
      for (let turn = 0; turn < 2; turn++) {
        const { code, out, err } = await tour(system.server.url, { PORTOLAN_TOKEN: token });
        expect(out).not.toContain('FAILED');
        expect(out).toContain('all 5 steps passed');
        expect([code, err]).toEqual([0, '']);
        expect(out).not.toContain(token);
      }
    });

    it('fails where it may not do what it shows', async () => {
      const envs: Record<string, string>[] = [
        {},
        { PORTOLAN_TOKEN: 'wrong-secret' },
        { PORTOLAN_TOKEN: 'secret-of-guests' },
      ];
      for (const env of envs) {
        const { code, out } = await tour(system.server.url, env);
        expect(code).toBe(1);
        expect(out).toContain('FAILED');
      }
    });
  });
});

describe('the tour', () => {
  it('fails against a port where nobody answers, and says so', async () => {
    const { code, out, err } = await tour('http://127.0.0.1:1');
    expect([code, err]).toEqual([1, '']);
    expect(out).toContain('no server answers on http://127.0.0.1:1');
    expect(out).toContain('5 of 5 steps failed');
  });

  describe('against a server that lies', () => {
    let system: System;
    let liar: Server;
    let lie: { true: string; false: string };
    async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
      const answer = await fetch(system.server.url + request.url, {
        method: request.method ?? 'GET',
        headers: headers as Record<string, string>,
        ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
      });
      const type = answer.headers.get('content-type') ?? '';
      const cache = answer.headers.get('x-cache');
      response.writeHead(answer.status, { 'content-type': type, ...(cache ? { 'x-cache': cache } : {}) });
      for await (const chunk of answer.body ?? []) {
        response.write(Buffer.from(chunk).toString().replace(lie.true, lie.false));
      }
      response.end();
    }
    beforeAll(async () => {
      system = await startSystem('memory', {
        UNIVERSITIES_URL: `${site.url}/search`,
        FETCH_ALLOW: `127.0.0.1:${site.port}`,
      });
      liar = createServer(async (request, response) => {
        // A tour that has seen enough goes away in the middle of an answer.
        await pass(request, response).catch(() => response.destroy());
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => liar.once('listening', resolve));
    });
    afterAll(async () => {
      liar?.closeAllConnections();
      liar?.close();
      await system?.close();
    });

    it.each([
      ['nothing', 'is never said', '', 0],
      ['a condition', '"written":false', '"written":true', 1],
      ['an age', '"age":37', '"age":38', 1],
    ])('about %s', async (_what, truth, falsehood, expected) => {
      lie = { true: truth, false: falsehood };
      const { code, out } = await tour(`http://127.0.0.1:${(liar.address() as { port: number }).port}`);
      expect([code, /FAILED: .*expected/.test(out)], out).toEqual([expected, expected === 1]);
    });
  });
});
