import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a server on 127.0.0.1 that can lose replies. */
export interface ReplyDropper {
  readonly port: number;
  /** The next reply on each connection is swallowed and its connection cut: what was asked has been done, and nobody hears of it. */
  drop(): void;
  close(): Promise<void>;
}

export async function startReplyDropper(target: number): Promise<ReplyDropper> {
  const dropping = new Map<Socket, boolean>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    dropping.set(client, false);
    const end = (): void => {
      dropping.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => (dropping.get(client) ? end() : client.write(bytes)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return {
    port: address.port,
    drop() {
      for (const client of dropping.keys()) dropping.set(client, true);
    },
    async close() {
      for (const client of dropping.keys()) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
