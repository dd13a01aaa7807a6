import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { invalid } from '@portolan/core';
import type { Hono } from 'hono';

export interface Host {
  readonly url: string;
  /** Stops accepting, lets requests in flight finish for `graceMs`, then cuts what is left (streams never end by themselves: their clients resume elsewhere). */
  close(graceMs: number): Promise<void>;
}

/** Listens on host and port; port 0 takes a free one. */
export async function listen(app: Hono, host: string, port: number): Promise<Host> {
  let inFlight = 0;
  let drained: (() => void) | undefined;
  const server = serve({
    hostname: host,
    port,
    fetch: async (request, env) => {
      inFlight++;
      try {
        return await app.fetch(request, env);
      } finally {
        inFlight--;
        if (inFlight === 0) drained?.();
      }
    },
  }) as Server;
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw invalid(`PORT: ${port} is taken on ${host}; an example is PORT=8081`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw invalid(`HOST: ${host} is no address of this machine; an example is HOST=127.0.0.1`);
    if (code === 'EACCES') throw invalid(`PORT: ${port} needs privileges; an example is PORT=8080`);
    throw error;
  }
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close(graceMs) {
      const closed = once(server, 'close');
      server.close();
      const finished = new Promise<void>((resolve) => {
        drained = resolve;
        if (inFlight === 0) resolve();
      });
      const late = new Promise<void>((resolve) => setTimeout(resolve, graceMs, undefined).unref());
      await Promise.race([finished, late]);
      // Bodies of answered requests are on their way: give them a moment, streams excepted.
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 250).unref();
      await closed;
    },
  };
}
