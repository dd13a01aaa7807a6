/** The bare hosts of a tRPC ping, and a host without tRPC. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import { Hono } from 'hono';

const t = initTRPC.create();
const router = t.router({ ping: t.procedure.query(() => 'pong') });
const listening = (port: number) => process.send?.(`http://127.0.0.1:${port}/trpc/ping`);
const answer = (req: Request) => fetchRequestHandler({ endpoint: '/trpc', req, router });

switch (process.argv[2]) {
  case 'standalone': {
    const server = createHTTPServer({ router, basePath: '/trpc/' });
    server.listen(0, '127.0.0.1', () => listening((server.address() as AddressInfo).port));
    break;
  }
  case 'fetch-hono-node-server':
    serve({ fetch: answer, port: 0, hostname: '127.0.0.1' }, (info) => listening(info.port));
    break;
  case 'hono-app': {
    const app = new Hono();
    app.all('/trpc/*', (c) => answer(c.req.raw));
    serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) => listening(info.port));
    break;
  }
  default: {
    const body = '{"result":{"data":"pong"}}';
    const server = createServer((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(body),
    );
    server.listen(0, '127.0.0.1', () => listening((server.address() as AddressInfo).port));
  }
}
