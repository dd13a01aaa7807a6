import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { PortolanError } from '@portolan/core';

/** What `readBody` can undo, for the `accept-encoding` header. */
export const ACCEPT_ENCODING = 'gzip, br';

/** A compressed body may be this much longer than `maxBytes` on the wire: incompressible data grows by less. */
const WIRE_SLACK_BYTES = 65_536;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
};

interface ReadBodyOptions {
  /** The `content-encoding` header; one encoding at most. */
  readonly encoding: string | undefined;
  /** Longest body after decompression. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Opens the messages: "example.com". */
  readonly what: string;
}

function limit(maxBytes: number, what: string) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new PortolanError('TOO_LARGE', `${what} sent more than ${maxBytes} bytes`);
      yield chunk;
    }
  };
}

/**
 * The whole body, decompressed, never holding more than `maxBytes`. Counts before decompression too: a stream of empty compressed
 * blocks would otherwise never end. Throws TOO_LARGE, UNAVAILABLE for an encoding nobody asked for, and what the streams throw.
 */
export async function readBody(body: Readable, options: ReadBodyOptions): Promise<Buffer> {
  const { maxBytes, signal, what } = options;
  const encoding = options.encoding?.trim().toLowerCase() || 'identity';
  const chunks: Buffer[] = [];
  const collect = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) chunks.push(chunk);
  };
  if (encoding === 'identity') {
    await pipeline(body, limit(maxBytes, what), collect, { signal });
    return Buffer.concat(chunks);
  }
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (!decoder) {
    body.on('error', () => undefined).destroy();
    throw new PortolanError('UNAVAILABLE', `${what} sent an encoding that was not asked for`, { retryable: false });
  }
  await pipeline(body, limit(maxBytes + WIRE_SLACK_BYTES, what), decoder(), limit(maxBytes, what), collect, { signal });
  return Buffer.concat(chunks);
}
