import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { listenError } from '@portolan/platform';
import type { Hono } from 'hono';

export interface Host {
  readonly url: string;
  /**
   * Stops accepting, cuts event streams (they never end by themselves; their clients resume elsewhere), lets every other answer be sent to its
   * end for `graceMs`, then cuts what is left.
   */
  close(graceMs: number): Promise<void>;
}

/** Listens on host and port; port 0 takes a free one. */
export async function listen(app: Hono, host: string, port: number): Promise<Host> {
  const open = new Set<ServerResponse>();
  const streams = new Set<ServerResponse>();
  let closing = false;
  let drained: (() => void) | undefined;
  const server = serve({
    hostname: host,
    port,
    fetch: async (request, env) => {
      const response = await app.fetch(request, env);
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
        const outgoing = env.outgoing as ServerResponse;
        if (closing) outgoing.destroy();
        streams.add(outgoing);
      }
      return response;
    },
  }) as Server;
  // An answer is under way until its last byte is sent: a batch answers its calls one by one.
  server.prependListener('request', (_request, response: ServerResponse) => {
    open.add(response);
    if (closing) response.setHeader('connection', 'close');
    response.once('close', () => {
      open.delete(response);
      streams.delete(response);
      if (open.size === 0) drained?.();
    });
  });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error, { variable: 'PORT', host, port });
  }
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close(graceMs) {
      const closed = once(server, 'close');
      closing = true;
      server.close();
      const finished = new Promise<void>((resolve) => {
        drained = resolve;
        if (open.size === 0) resolve();
      });
      for (const stream of streams) stream.destroy();
      // A client that keeps its connection would go on sending requests through it, and draining would not end.
      for (const response of open) if (!response.headersSent) response.setHeader('connection', 'close');
      const late = new Promise<void>((resolve) => setTimeout(resolve, graceMs).unref());
      await Promise.race([finished, late]);
      server.closeAllConnections();
      await closed;
    },
  };
}
