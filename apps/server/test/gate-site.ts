import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A site whose answers wait until the test lets them through: what is under way is under way for certain. */
export interface GateSite {
  readonly url: string;
  readonly port: number;
  /** Requests that have come so far. */
  readonly arrivals: number;
  /** What is answered from now on. */
  answer: { status: number; body: string };
  /** Lets waiting and coming requests through; `hold` makes the coming ones wait again. */
  open(): void;
  hold(): void;
  close(): Promise<void>;
}

export async function startGateSite(body: string): Promise<GateSite> {
  let arrivals = 0;
  let gate = Promise.withResolvers<void>();
  const server = createServer((_request, response) => {
    arrivals++;
    void gate.promise.then(() => {
      const { status, body } = site.answer;
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const site: GateSite = {
    url: `http://127.0.0.1:${port}`,
    port,
    get arrivals() {
      return arrivals;
    },
    answer: { status: 200, body },
    open: () => gate.resolve(),
    hold() {
      gate = Promise.withResolvers<void>();
    },
    async close() {
      gate.resolve();
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
  return site;
}
