import { PortolanError } from './errors.ts';
import type { BroadcastPort, Cursor, ReadAfter, TopicRead } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';

/** ms after which a reader looks without a hint: what a lost hint costs at most. */
const POLL_MS = 5_000;
const BACKOFF_MS = { first: 50, most: 1_000 };

/** ms to wait after the n-th failure in a row (from 1). */
export function backoffMs(failures: number): number {
  return Math.min(BACKOFF_MS.first * 2 ** (failures - 1), BACKOFF_MS.most);
}

/** Waits for the hints of one topic. A hint that comes between `arm` and `wait` is not lost: `wait` then ends at once. */
export interface Lookout {
  /** Hints flow from here on, and earlier ones are forgotten: read the log now. */
  arm(): Promise<void>;
  /** Until a hint, `ms`, or the signal. */
  wait(ms: number): Promise<void>;
  close(): Promise<void>;
}

export function createLookout(port: BroadcastPort, runtime: Runtime, topic: string, signal: AbortSignal): Lookout {
  let stop: (() => Promise<void>) | undefined;
  let hinted = false;
  let waiting: AbortController | undefined;
  const wake = () => {
    hinted = true;
    waiting?.abort();
  };
  signal.addEventListener('abort', wake, { once: true });
  return {
    async arm() {
      stop ??= await port.hint(topic, wake);
      hinted = false;
    },
    async wait(ms) {
      if (hinted || signal.aborted) return;
      waiting = new AbortController();
      await runtime.sleep(ms, waiting.signal);
      waiting = undefined;
    },
    async close() {
      signal.removeEventListener('abort', wake);
      await stop?.();
    },
  };
}

export interface Follow {
  readonly port: BroadcastPort;
  readonly runtime: Runtime;
  readonly topic: string;
  readonly after: ReadAfter;
  /** Messages per read. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** A read, with `now`: the latest that the store's clock can show by the time the answer is in hand. */
export type Followed = TopicRead & { readonly now: number };

/**
 * The log of a topic from `after` on, as it grows, until the signal aborts: first the hint, then the log, so nothing falls between. One read per hint,
 * one per 5 s without; the next read is made when the last answer was consumed. While the store is away it tries again with
 * backoff and goes on at its cursor. Ends with the error when trying again is of no use.
 */
export async function* followTopic({ port, runtime, topic, after, limit, signal }: Follow): AsyncGenerator<Followed> {
  const lookout = createLookout(port, runtime, topic, signal);
  let cursor = after;
  try {
    while (!signal.aborted) {
      const asked = { at: 0 };
      const read = await persist(runtime, signal, `reading topic ${topic}`, async () => {
        await lookout.arm();
        asked.at = runtime.clock.now();
        return (await port.read([{ topic, after: cursor }], limit))[0];
      });
      if (!read || signal.aborted) return;
      cursor = read.cursor;
      const now = read.at + Math.max(0, runtime.clock.now() - asked.at);
      if (read.messages.length > 0 || read.gap) yield { ...read, now };
      if (!read.more) await lookout.wait(POLL_MS);
    }
  } finally {
    await lookout.close();
  }
}

/** The end of a topic, asked for until the store answers; undefined when the signal aborts first. */
export async function endOf({
  port,
  runtime,
  topic,
  signal,
}: Omit<Follow, 'after' | 'limit'>): Promise<Cursor | undefined> {
  const read = await persist(runtime, signal, `reading topic ${topic}`, () => port.read([{ topic, after: 'end' }], 1));
  return read?.[0]?.cursor;
}

/** Repeats a step while its errors are retryable, with backoff. Undefined once the signal aborts. Logs the first failure and the recovery. */
async function persist<T>(
  runtime: Runtime,
  signal: AbortSignal,
  what: string,
  step: () => Promise<T>,
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      const answer = await step();
      if (failures > 0) runtime.logger.info({ failures }, `${what}: the store is back`);
      return answer;
    } catch (error) {
      if (!PortolanError.is(error) || !error.retryable) throw error;
      failures++;
      if (failures === 1) runtime.logger.warn({ code: error.code }, `${what}: ${error.message}; trying again`);
      await runtime.sleep(backoffMs(failures), signal);
    }
  }
  return undefined;
}
