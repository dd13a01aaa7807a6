import { request } from 'node:http';
import { createClient } from '@portolan/api/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './processes.ts';
import { readEvents } from './surface/event-reader.ts';
import { eventually } from './systems.ts';

const SECRETS = { reader: 'reader-secret-1', writer: 'writer-secret-2', admin: 'admin-secret-3' };
const API_TOKENS = `reader:${SECRETS.reader}:read,writer:${SECRETS.writer}:read+write,root:${SECRETS.admin}:admin`;

interface Refused {
  readonly code: string;
  readonly message: string;
}

/** A request as it is given, Host and Origin too, which `fetch` would not send. */
function raw(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer },
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: options.method ?? 'GET', headers: options.headers ?? {} }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(options.body);
  });
}

describe('with API_TOKENS', () => {
  let server: TestServer;
  let url: string;
  beforeAll(async () => {
    server = await startServer({ BACKEND_URL: 'memory:', API_TOKENS, LOG_LEVEL: 'debug' });
    url = server.url;
  });
  afterAll(async () => {
    await server?.end('SIGKILL');
  });

  const bearer = (secret: string | undefined): Record<string, string> =>
    secret === undefined ? {} : { authorization: `Bearer ${secret}` };
  const rest = async (secret: string | undefined, method: string, path: string, body?: unknown) => {
    const response = await fetch(url + path, {
      method,
      headers: bearer(secret),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Refused };
  };

  const calls: [scope: string, method: string, path: string, body?: unknown][] = [
    ['read', 'GET', '/api/keys'],
    ['read', 'GET', '/api/users/1'],
    ['read', 'GET', '/api/instances'],
    ['write', 'PUT', '/api/keys/a', { value: 1 }],
    ['write', 'POST', '/api/queues/default/jobs', { name: 'echo', data: 1 }],
    ['write', 'POST', '/api/topics/news/messages', { data: 1 }],
    ['admin', 'POST', '/api/commands', { name: 'ping' }],
    ['admin', 'POST', '/api/queues/default/resume'],
  ];
  const allowed: Record<string, readonly string[]> = {
    reader: ['read'],
    writer: ['read', 'write'],
    admin: ['read', 'write', 'admin'],
  };

  it('the metrics need the scope read', async () => {
    const status = async (secret?: string) => (await fetch(`${url}/metrics`, { headers: bearer(secret) })).status;
    expect([await status(), await status('wrong-secret'), await status(SECRETS.reader)]).toEqual([401, 401, 200]);
  });

  it.each(calls)('REST: %s is needed for %s %s', async (scope, method, path, body) => {
    for (const [name, scopes] of Object.entries(allowed)) {
      const answer = await rest(SECRETS[name as keyof typeof SECRETS], method, path, body);
      if (scopes.includes(scope)) expect(answer.status, name).toBeLessThan(300);
      else expect([name, answer.status, answer.body.code]).toEqual([name, 403, 'FORBIDDEN']);
    }
    for (const secret of [undefined, 'wrong', `${SECRETS.admin} `, SECRETS.admin.slice(0, -1), 'root', API_TOKENS]) {
      const answer = await rest(secret, method, path, body);
      // Blanks at the end of a header are not part of it.
      if (secret?.trim() === SECRETS.admin) continue;
      expect([secret, answer.status, answer.body.code]).toEqual([secret, 401, 'UNAUTHORIZED']);
    }
  });

  it('the token is told before the input is judged', async () => {
    expect((await rest(undefined, 'PUT', '/api/keys/a', { ttlMs: 'x' })).status).toBe(401);
    expect((await rest(SECRETS.reader, 'PUT', '/api/keys/a', { ttlMs: 'x' })).status).toBe(403);
  });

  it('tRPC: wrong tokens are UNAUTHORIZED, missing scopes FORBIDDEN, each call of a batch for itself', async () => {
    const attempt = (token: string | undefined) => {
      const client = createClient({ url, ...(token ? { token } : {}) });
      const code = (call: Promise<unknown>) =>
        call.then(
          () => 'OK',
          (error) => error.data.portolan.code,
        );
      return Promise.all([
        code(client.counters.get.query({ name: 'c' })),
        code(client.counters.increment.mutate({ name: 'c' })),
        code(client.commands.send.mutate({ name: 'ping' })),
      ]);
    };
    expect(await attempt(undefined)).toEqual(['UNAUTHORIZED', 'UNAUTHORIZED', 'UNAUTHORIZED']);
    expect(await attempt('wrong-secret')).toEqual(['UNAUTHORIZED', 'UNAUTHORIZED', 'UNAUTHORIZED']);
    expect(await attempt(SECRETS.reader)).toEqual(['OK', 'FORBIDDEN', 'FORBIDDEN']);
    expect(await attempt(SECRETS.writer)).toEqual(['OK', 'OK', 'FORBIDDEN']);
    expect(await attempt(SECRETS.admin)).toEqual(['OK', 'OK', 'OK']);
  });

  it('streams: refused without a token before a message comes, over REST and tRPC', async () => {
    await rest(SECRETS.writer, 'POST', '/api/topics/news/messages', { data: 'secret' });
    for (const secret of [undefined, 'wrong-secret']) {
      const answer = await rest(secret, 'GET', '/api/topics/news/stream');
      expect([answer.status, answer.body.code]).toEqual([401, 'UNAUTHORIZED']);
      const client = createClient({ url, ...(secret ? { token: secret } : {}) });
      const heard: unknown[] = [];
      const error = await new Promise<unknown>((resolve) => {
        client.topics.stream.subscribe(
          { topic: 'news', after: 'start' },
          { onError: resolve, onData: (message) => heard.push(message) },
        );
      });
      expect(error).toMatchObject({ data: { portolan: { code: 'UNAUTHORIZED' } } });
      expect(heard).toEqual([]);
    }
    const stream = await readEvents(`${url}/api/topics/news/stream`, bearer(SECRETS.reader));
    expect(stream.response.status).toBe(200);
    const heard: unknown[] = [];
    let started = false;
    createClient({ url, token: SECRETS.reader }).topics.stream.subscribe(
      { topic: 'news' },
      { onStarted: () => (started = true), onData: ({ data }) => heard.push(data.data) },
    );
    await eventually(
      () => started,
      (yes) => yes,
    );
    await rest(SECRETS.writer, 'POST', '/api/topics/news/messages', { data: 'heard' });
    await stream.until(1);
    await eventually(
      () => heard,
      ({ length }) => length > 0,
    );
    stream.close();
  });

  it('a token is taken from the header only, and never logged', async () => {
    const inUrl = await fetch(`${url}/api/keys?token=${SECRETS.admin}&authorization=Bearer%20${SECRETS.admin}`);
    expect(inUrl.status).toBe(401);
    const basic = await fetch(`${url}/api/keys`, {
      headers: { authorization: `Basic ${btoa(`root:${SECRETS.admin}`)}` },
    });
    expect(basic.status).toBe(401);
    await server.line((line) => line.msg === 'call' && line.code === 'FORBIDDEN');
    const logs = JSON.stringify(server.logs);
    for (const secret of Object.values(SECRETS)) expect(logs).not.toContain(secret);
  });

  it('whether the process lives and what it offers is told to everybody', async () => {
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200);
  });

  it('with a token a page of another origin may not read: no answer allows it', async () => {
    const { headers } = await fetch(`${url}/api/keys`, {
      headers: { ...bearer(SECRETS.reader), origin: 'http://evil.example' },
    });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('without tokens', () => {
  let server: TestServer;
  let url: string;
  beforeAll(async () => {
    server = await startServer({ BACKEND_URL: 'memory:' });
    url = server.url;
  });
  afterAll(async () => {
    await server?.end('SIGKILL');
  });

  const paths = ['/api/keys', '/trpc/system.ping', '/metrics', '/openapi.json', '/docs', '/api/topics/a/stream'];

  it.each(paths)('pages of other origins and other host names get nothing from %s', async (path) => {
    const host = new URL(url).host;
    const { port } = new URL(url);
    const foreign: Record<string, string>[] = [
      { host, origin: 'http://evil.example' },
      { host, origin: 'null' },
      { host, origin: `https://${host}` },
      { host, origin: 'http://127.0.0.1:1' },
      { host: `evil.example:${port}` },
      { host: 'evil.example' },
      { host: `127.0.0.1.evil.example:${port}` },
      { host: `localhost.evil.example:${port}` },
      { host: `evil.example:${port}`, origin: `http://evil.example:${port}` },
    ];
    for (const headers of foreign) {
      const answer = await raw(url + path, { headers });
      expect([headers, answer.status]).toEqual([headers, 403]);
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'FORBIDDEN' });
    }
  });

  it('a foreign page can write nothing either, whatever it calls its body', async () => {
    for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
      const headers = { origin: 'http://evil.example', 'content-type': type };
      const answer = await raw(`${url}/api/keys/stolen`, { method: 'PUT', headers, body: '{"value":1}' });
      expect(answer.status).toBe(403);
      const trpc = await raw(`${url}/trpc/keys.set`, { method: 'POST', headers, body: '{"key":"stolen","value":1}' });
      expect(trpc.status).toBe(403);
    }
    expect((await fetch(`${url}/api/keys/stolen`)).status).toBe(404);
  });

  it('the own page and loopback names are answered', async () => {
    const { host, port } = new URL(url);
    const own: Record<string, string>[] = [
      { host },
      { host, origin: url },
      { host: `localhost:${port}` },
      { host: '[::1]' },
    ];
    for (const headers of own) {
      expect([headers, (await raw(`${url}/api/keys`, { headers })).status]).toEqual([headers, 200]);
    }
  });
});
