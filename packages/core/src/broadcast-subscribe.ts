import { parseCursor } from './broadcast-cursor.ts';
import { endOf, followTopic } from './broadcast-follow.ts';
import { PortolanError } from './errors.ts';
import type { BroadcastPort, ReadAfter, TopicMessage } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';

const READ_LIMIT = 100;

/** A message as a subscriber gets it. */
export interface TopicEvent<T = unknown> {
  /** The cursor: pass it as `after` to go on behind this message. */
  readonly id: string;
  readonly data: T;
  /** ms on the store's clock. */
  readonly at: number;
  /** Messages before this one are lost: trimmed, expired, lost by the store, or unreadable. */
  readonly gap?: true;
}

export interface Subscription<T = unknown> extends AsyncIterableIterator<TopicEvent<T>> {
  /**
   * Resolves when the position is fixed, with `after: 'end'` one round trip after the call (later when the store is away): whatever is published
   * after that will be seen. Rejects with the error that iteration would throw.
   */
  readonly ready: Promise<void>;
  return(): Promise<IteratorResult<TopicEvent<T>>>;
}

export interface SubscribeOptions {
  /** `end` (the default), `start`, or the id of the last message seen. */
  readonly after?: ReadAfter;
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
}

/** The data of a message; a message it throws for is left out. */
export type DecodeMessage<T> = (message: TopicMessage) => T | Promise<T>;

/** The message decoded; undefined, and a warning, when that fails: one bad message must not end every subscription that meets it. */
export async function decodeMessage<T>(
  runtime: Runtime,
  topic: string,
  message: TopicMessage,
  decode: DecodeMessage<T>,
): Promise<TopicEvent<T> | undefined> {
  try {
    return { id: message.cursor, data: await decode(message), at: message.at };
  } catch (error) {
    const reason = PortolanError.from(error).message;
    runtime.logger.warn({ topic, id: message.cursor, reason }, 'unreadable message left out');
    return undefined;
  }
}

export function subscribeTopic<T>(
  port: BroadcastPort,
  runtime: Runtime,
  topic: string,
  { after = 'end', signal: outer }: SubscribeOptions,
  decode: DecodeMessage<T>,
): Subscription<T> {
  if (after !== 'start' && after !== 'end') parseCursor(after);
  const ending = new AbortController();
  const end = () => ending.abort();
  const { signal } = ending;
  if (outer?.aborted) end();
  else outer?.addEventListener('abort', end, { once: true });
  signal.addEventListener('abort', () => outer?.removeEventListener('abort', end), { once: true });

  const position = after === 'end' ? endOf({ port, runtime, topic, signal }) : Promise.resolve(after);
  // Whoever iterates meets the error there; an unused `ready` must not be an unhandled rejection.
  position.catch(() => undefined);
  const ready = position.then(() => undefined);
  ready.catch(() => undefined);

  async function* messages(): AsyncGenerator<TopicEvent<T>, undefined> {
    try {
      const from = await position;
      if (from === undefined) return;
      let gap = false;
      for await (const read of followTopic({ port, runtime, topic, after: from, limit: READ_LIMIT, signal })) {
        gap ||= read.gap;
        for (const message of read.messages) {
          const event = await decodeMessage(runtime, topic, message, decode);
          if (signal.aborted) return;
          if (event) yield gap ? { ...event, gap } : event;
          // Told once, with the first message behind it.
          gap = event === undefined;
        }
      }
    } finally {
      end();
    }
  }

  const iterator = messages();
  return {
    ready,
    next: () => iterator.next(),
    // A pending next() ends first: the abort wakes it.
    return: () => {
      end();
      return iterator.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
