import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateSite } from './gate-site.ts';
import { startServer, type TestServer } from './processes.ts';
import { BACKENDS, isMissing, storeEnv } from './systems.ts';

const MIB = 1024 * 1024;
const POLLUTING = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
/** What must never be read in an answer. */
const INSIDES = /node_modules|\.ts\b|\bat [\w.<>]+ \(|file:\/\/|\/work\/|\/apps\/|\/packages\/|ioredis|ReplyError/;

describe.each(BACKENDS)('hostile input on %s', (backend) => {
  describe.skipIf(isMissing(backend))('', () => {
    let server: TestServer;
    let url: string;
    beforeAll(async () => {
      server = await startServer({ ...storeEnv(backend), API_TOKENS: '' });
      url = server.url;
    });
    afterAll(async () => {
      await server?.end('SIGKILL');
    });

    /** Sends a body as it is and reads the answer, which never tells of the insides. */
    async function send(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
      const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) });
      const text = await response.text();
      if (response.status >= 400) expect(text).not.toMatch(INSIDES);
      return { status: response.status, text, body: JSON.parse(text || 'null') };
    }
    const alive = async () => expect((await fetch(`${url}/readyz`)).status).toBe(200);

    it('a body over the limit is 413, said or unsaid how long it is', async () => {
      const long = JSON.stringify({ value: 'x'.repeat(10 * MIB) });
      expect(await send('PUT', '/api/keys/long', long)).toMatchObject({ status: 413, body: { code: 'TOO_LARGE' } });
      const stream = new Blob([long]).stream();
      const chunked = await fetch(`${url}/api/keys/long`, {
        method: 'PUT',
        body: stream,
        duplex: 'half',
      } as RequestInit);
      expect(chunked.status).toBe(413);
      expect((await send('POST', '/trpc/keys.set', long, { 'content-type': 'application/json' })).status).toBe(413);
      const large = JSON.stringify({ value: 'x'.repeat(9 * MIB) });
      expect(await send('PUT', '/api/keys/long', large)).toMatchObject({ status: 413, body: { code: 'TOO_LARGE' } });
      expect((await send('GET', '/api/keys/long')).status).toBe(404);
      await alive();
    });

    it('a batch over the limit is refused whole', async () => {
      const names = (count: number) => Array.from({ length: count }, () => 'system.ping').join(',');
      expect((await send('GET', `/trpc/${names(200)}?batch=1&input={}`)).status).toBeLessThan(300);
      expect((await send('GET', `/trpc/${names(201)}?batch=1&input={}`)).status).toBe(400);
      await alive();
    });

    it('broken JSON, wrong shapes and wrong methods are told as such', async () => {
      for (const body of ['{', '', 'null', '[]', '"text"', '7', '{"value":}', '\u0000', '{"value":1}trailing']) {
        const answer = await send('PUT', '/api/keys/broken', body);
        expect([body, answer.status, answer.body.code]).toEqual([body, 400, 'INVALID']);
      }
      const headers = { 'content-type': 'application/json' };
      expect((await send('POST', '/trpc/keys.set', '{', headers)).status).toBe(400);
      expect((await send('GET', '/trpc/keys.set', undefined, headers)).status).toBe(405);
      expect((await send('POST', '/trpc/no.procedure', '{}', headers)).status).toBe(404);
      expect(await send('PATCH', '/api/keys/a', '{}')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
      expect(await send('GET', '/nothing')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
      for (const path of ['/api/keys/%', '/api/keys/%ff', '/api/keys/%00', '/api/keys/%ed%a0%80', '/api/keys/a%0ab']) {
        expect([path, [400, 404].includes((await send('GET', path)).status)]).toEqual([path, true]);
      }
      const deep = `{"value":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      expect((await send('PUT', '/api/keys/deep', deep)).status).toBeLessThan(500);
      await alive();
    });

    it('what is no HTTP does not harm', async () => {
      const port = Number(new URL(url).port);
      for (const bytes of [
        '\0\0\0\0',
        'GET / HTTP/1.1\r\n\r\n',
        'GET /%zz HTTP/1.1\r\nhost: localhost\r\n\r\n',
        'X'.repeat(100_000),
      ]) {
        await new Promise<void>((resolve) => {
          const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
          socket.on('data', (data) => expect(data.toString()).not.toMatch(INSIDES));
          socket.on('error', () => resolve()).on('close', () => resolve());
        });
      }
      await alive();
    });

    it('names of prototypes are names like any other', async () => {
      for (const name of POLLUTING) {
        const value = JSON.parse(`{"${name}":{"polluted":true}}`);
        expect((await send('GET', `/api/keys/${name}`)).status).toBe(404);
        expect((await send('PUT', `/api/keys/${name}`, JSON.stringify({ value }))).body.written).toBe(true);
        expect((await send('GET', `/api/keys/${name}`)).text).toContain(`"value":{"${name}":{"polluted":true}}`);
        expect((await send('GET', `/api/keys/fields-${name}/fields/${name}`)).status).toBe(404);
        const put = await send('PUT', `/api/keys/fields-${name}/fields`, `{"fields":{"${name}":1,"other":2}}`);
        if (name === '__proto__') {
          expect(put).toMatchObject({ status: 400, body: { issues: [{ path: ['fields', name] }] } });
          expect((await send('GET', `/api/keys/fields-${name}/fields`)).body).toEqual({ fields: {} });
        } else {
          expect([name, put.status, put.body]).toEqual([name, 200, { fields: { [name]: 1, other: 2 } }]);
          expect((await send('GET', `/api/keys/fields-${name}/fields/${name}`)).body).toEqual({ value: 1 });
        }
        expect((await send('GET', `/api/counters/${name}`)).body).toEqual({ value: 0 });
        expect((await send('POST', `/api/counters/${name}/increment`)).body).toEqual({ value: 1 });
        expect((await send('GET', `/api/users/${name}`)).status).toBe(404);
        expect(
          (await send('POST', '/api/queues/default/jobs', `{"name":"${name}","data":1}`)).status,
        ).toBeGreaterThanOrEqual(400);
        const echoed = await send('POST', '/api/queues/default/jobs', `{"name":"echo","data":{"${name}":1}}`);
        expect(echoed.status).toBe(202);
      }
    });

    it('unknown fields of a user are refused, those of prototypes too, in PUT and in PATCH', async () => {
      const user = '"name":"A","email":"a@example.com","age":1,"city":"C"';
      for (const name of ['shoe', ...POLLUTING]) {
        const put = await send('PUT', '/api/users/odd', `{${user},"${name}":{"polluted":true}}`);
        expect([name, put.status, put.body.code]).toEqual([name, 400, 'INVALID']);
        const patch = await send('PATCH', '/api/users/1', `{"${name}":{"polluted":true}}`);
        expect([name, patch.status, patch.body.code]).toEqual([name, 400, 'INVALID']);
      }
      expect((await send('GET', '/api/users/odd')).status).toBe(404);
      expect((await send('GET', '/api/users/1')).text).not.toContain('polluted');
    });

    it('a body cannot hide members behind __proto__', async () => {
      const answer = await send('PUT', '/api/keys/hidden', '{"__proto__":{"value":1}}');
      expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID' } });
      expect(answer.body.issues).toContainEqual(expect.objectContaining({ path: ['value'] }));
    });

    it('a member that no input has is refused by its name', async () => {
      const answer = await send('PUT', '/api/keys/typo', '{"value":1,"ttl":5}');
      expect(answer).toMatchObject({
        status: 400,
        body: { code: 'INVALID', message: expect.stringContaining('"ttl"') },
      });
    });

    it('an unforeseen failure tells its code and nothing else', async () => {
      const gate = await startGateSite('not a list');
      gate.open();
      const odd = await startServer({ ...storeEnv(backend), UNIVERSITIES_URL: `${gate.url}/search?apikey=hunter22` });
      try {
        const response = await fetch(`${odd.url}/api/universities?country=x`);
        const text = await response.text();
        expect(response.status).toBe(500);
        expect(JSON.parse(text)).toEqual({ code: 'INTERNAL', message: 'internal error' });
        const trpc = await fetch(`${odd.url}/trpc/universities.search?input=${encodeURIComponent('{"country":"x"}')}`);
        const told = await trpc.text();
        expect(trpc.status).toBe(500);
        expect(told).not.toMatch(INSIDES);
        expect(told).not.toMatch(/stack|hunter22|list/);
        const line = await odd.line(({ msg }) => msg === 'call failed');
        expect(JSON.stringify(line)).toContain('universities.search');
        expect(JSON.stringify(odd.logs)).not.toContain('hunter22');
      } finally {
        await odd.end('SIGKILL');
        await gate.close();
      }
    });
  });
});
