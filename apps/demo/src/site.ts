import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findPage } from './pages.ts';
import { loadUniversities, searchUniversities, type University } from './universities.ts';

export interface DemoSiteOptions {
  /** 0 takes a free one. */
  readonly port?: number;
  readonly host?: string;
  /** What `/search` searches; without it UNIVERSITIES_FILE, the list beside the repository or the built-in sample. */
  readonly universities?: readonly University[];
}

export interface DemoSite {
  /** `http://host:port`, no slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Requests so far by path (no query), as `/requests` shows them: what tests count upstream calls with. */
  readonly requests: Readonly<Record<string, number>>;
  /** Cuts what is open, slow pages included. */
  close(): Promise<void>;
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** A small site on loopback: pages of every kind, and a universities upstream at `/search`. Only for development and tests. */
export async function startDemoSite(options: DemoSiteOptions = {}): Promise<DemoSite> {
  const { port = 0, host = '127.0.0.1', universities = loadUniversities() } = options;
  const requests: Record<string, number> = Object.create(null);
  const closing = new AbortController();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? '/';
    const base = 'http://demo.invalid';
    if (!URL.canParse(target, base)) return sendJson(response, 400, { message: 'bad request' });
    const url = new URL(target, base);
    if (url.pathname === '/requests') return sendJson(response, 200, requests);
    requests[url.pathname] = (requests[url.pathname] ?? 0) + 1;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return sendJson(response, 405, { message: 'only GET' });
    }
    if (url.pathname === '/search') {
      const query = { country: url.searchParams.get('country'), name: url.searchParams.get('name') };
      return sendJson(response, 200, searchUniversities(universities, query));
    }
    await findPage(url.pathname)({ url, response, signal: closing.signal });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    requests,
    async close() {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
