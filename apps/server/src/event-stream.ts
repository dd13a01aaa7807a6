import { toPublicError } from '@portolan/api';
import { isTrackedEnvelope } from '@trpc/server';

export type EventStreamSource = AsyncIterable<unknown>;

const PING_MS = 15_000;

/**
 * Server-sent events from a subscription: `id` and `data` of each tracked message, comments as pings, and an `error` event when it fails. Pull-based:
 * a slow reader holds back the subscription, not the server's memory.
 */
export function eventStream(source: EventStreamSource, signal: AbortSignal): Response {
  const encoder = new TextEncoder();
  const iterator = source[Symbol.asyncIterator]();
  let ping: NodeJS.Timeout | undefined;
  const end = () => {
    clearInterval(ping);
    void iterator.return?.();
  };
  signal.addEventListener('abort', end, { once: true });
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      // The first bytes tell the client that the subscription stands.
      controller.enqueue(encoder.encode(': connected\n\n'));
      ping = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': ping\n\n'));
      }, PING_MS);
    },
    async pull(controller) {
      try {
        const next = await iterator.next();
        if (!next.done) return controller.enqueue(encoder.encode(frame(next.value)));
      } catch (error) {
        controller.enqueue(encoder.encode(`event: error\ndata: ${JSON.stringify(toPublicError(error))}\n\n`));
      }
      clearInterval(ping);
      controller.close();
    },
    cancel: end,
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    },
  });
}

function frame(value: unknown): string {
  if (!isTrackedEnvelope(value)) return `data: ${JSON.stringify(value)}\n\n`;
  const [id, data] = value;
  return `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}
