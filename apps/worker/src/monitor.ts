import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpStatus, scopeRefusal, toPublicError } from '@portolan/api';
import { PortolanError, type WorkerState } from '@portolan/core';
import { type ApiToken, createAuthenticator, listenError, type Metrics, refuseForeignPages } from '@portolan/platform';

export interface MonitorOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** As the server's: with any, `/metrics` needs the scope `read`; without, only this machine's own programs are answered. */
  readonly tokens: readonly ApiToken[];
  readonly metrics: Metrics;
  /** Undefined before the worker is there. */
  readonly state: () => WorkerState | undefined;
}

export interface Monitor {
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const json = (status: number, body: unknown): Answer => ({
  status,
  type: 'application/json',
  text: `${JSON.stringify(body)}\n`,
});

/** What a worker tells of itself over HTTP: `GET /healthz` and `GET /metrics`. */
export async function startMonitor({ host, port, tokens, metrics, state }: MonitorOptions): Promise<Monitor> {
  const authenticate = createAuthenticator(tokens);

  async function answer({ method, url = '/', headers }: IncomingMessage): Promise<Answer> {
    const [path] = url.split('?');
    if (method !== 'GET') throw new PortolanError('NOT_FOUND', 'a worker answers GET /healthz and GET /metrics');
    if (path === '/healthz') return json(200, { status: 'alive', worker: state() ?? 'starting' });
    if (tokens.length === 0) refuseForeignPages(headers.host, headers.origin);
    if (path !== '/metrics') throw new PortolanError('NOT_FOUND', 'a worker answers GET /healthz and GET /metrics');
    const refused = scopeRefusal(authenticate(headers.authorization), 'read');
    if (refused) throw refused;
    return { status: 200, type: metrics.contentType, text: await metrics.text() };
  }

  const server = createServer(async (request, response) => {
    const { status, type, text } = await answer(request).catch((error) => {
      const told = toPublicError(error);
      return json(httpStatus(told.code), told);
    });
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
  });
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    throw listenError(error, { variable: 'WORKER_PORT', host, port });
  }
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
