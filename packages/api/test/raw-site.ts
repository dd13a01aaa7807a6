import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface RawSite {
  readonly url: string;
  /** `127.0.0.1:port`, as an entry of `allow`. */
  readonly endpoint: string;
  readonly port: number;
  /** The requests as they came, head only. */
  readonly heads: readonly string[];
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** A server that answers each request with whatever bytes a test wants, right or wrong. */
export async function startRawSite(respond: (socket: Socket, path: string) => void): Promise<RawSite> {
  const sockets = new Set<Socket>();
  const heads: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      server.emit('gone');
    });
    socket.on('data', (data) => {
      const head = data.toString('latin1');
      heads.push(head);
      respond(socket, head.split(' ')[1] ?? '');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    endpoint: `127.0.0.1:${port}`,
    port,
    heads,
    async idle() {
      while (sockets.size > 0) await once(server, 'gone');
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** One whole HTTP/1.1 answer. */
export function answer(headers: readonly string[], body: string | Buffer = '', status = '200 OK'): Buffer {
  const bytes = Buffer.from(body);
  const head = [`HTTP/1.1 ${status}`, `content-length: ${bytes.length}`, ...headers];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes]);
}
