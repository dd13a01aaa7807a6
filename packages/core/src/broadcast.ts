import { createPublisher } from './broadcast-publish.ts';
import {
  type DecodeMessage,
  decodeMessage,
  type SubscribeOptions,
  type Subscription,
  subscribeTopic,
  type TopicEvent,
} from './broadcast-subscribe.ts';
import { invalid, PortolanError } from './errors.ts';
import { checkName } from './names.ts';
import type { BroadcastPort, Cursor, ReadAfter, TopicRetention } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';
import { decodeJson, encodeJson, type InputOf, type OutputOf, parse, type Schema } from './schema.ts';

const DAY_MS = 86_400_000;
const RETENTION: TopicRetention = { count: 1_000, ms: DAY_MS, resumeMs: 7 * DAY_MS };
const MAX_READ = 1_000;

export interface TopicsOptions {
  readonly port: BroadcastPort;
  readonly runtime: Runtime;
  /** Of every topic published to through this; 1,000 messages and one day unless told. */
  readonly retention?: Partial<TopicRetention>;
  /** Of one message as JSON; 64 KiB unless told. */
  readonly maxMessageBytes?: number;
}

export interface ReadOptions {
  /** `start` (the default), `end`, or the id of the last message seen. */
  readonly after?: ReadAfter;
  /** 1 to 1,000; 100 unless told. */
  readonly limit?: number;
}

/** A page of a topic's history. */
export interface TopicPage<T = unknown> {
  readonly messages: readonly TopicEvent<T>[];
  /** Pass it as `after` for the next page. */
  readonly cursor: Cursor;
  /** Messages behind `after` are lost. */
  readonly gap: boolean;
  readonly more: boolean;
}

export interface TopicSummary {
  readonly topic: string;
  readonly messages: number;
  readonly members: number;
  readonly cursor: Cursor;
}

/** One topic whose messages fit a schema: checked when published and when received. Stored is what was passed to `publish`. */
export interface TypedTopic<S extends Schema> {
  publish(data: InputOf<S>): Promise<{ readonly id: string }>;
  subscribe(options?: SubscribeOptions): Subscription<OutputOf<S>>;
  read(options?: ReadOptions): Promise<TopicPage<OutputOf<S>>>;
}

/** Messages for whoever listens, kept for a while so that nobody who comes back misses one. */
export interface Topics {
  /**
   * Appends a message; its id orders it. Publishes of one tick to one topic share a round trip. Not repeated after a failure: the message may
   * stand there although the reply was lost. Throws TOO_LARGE, and INVALID for what is not JSON.
   */
  publish(topic: string, data: unknown): Promise<{ readonly id: string }>;
  /**
   * Every message from a position on, in order, once each, until the consumer stops or the signal aborts. Pull-based: a slow consumer holds one
   * page of messages, and is told of a gap when it falls behind the retention. Goes on by itself when the store was away. A message that cannot be
   * read is logged and left out; the next one says `gap`. Throws INVALID at once for a malformed cursor. For one iteration.
   */
  subscribe(topic: string, options?: SubscribeOptions): Subscription;
  /** One page of what is kept. One round trip. */
  read(topic: string, options?: ReadOptions): Promise<TopicPage>;
  /** Topics that hold messages, by name, at most 1,000. */
  list(): Promise<readonly TopicSummary[]>;
  of<S extends Schema>(topic: string, schema: S): TypedTopic<S>;
}

export function createTopics({ port, runtime, maxMessageBytes = 65_536, ...options }: TopicsOptions): Topics {
  const retention = checkRetention({ ...RETENTION, ...options.retention });
  const append = createPublisher(port, retention);

  async function publish(topic: string, data: unknown): Promise<{ id: string }> {
    checkName(topic, 'topic');
    const text = encodeJson(data, `message for topic ${topic}`);
    const bytes = Buffer.byteLength(text);
    if (bytes > maxMessageBytes) {
      throw new PortolanError(
        'TOO_LARGE',
        `message for topic ${topic}: ${bytes} bytes of JSON, at most ${maxMessageBytes} are allowed`,
      );
    }
    return { id: await append(topic, text, bytes) };
  }

  function subscribe<T>(topic: string, decode: DecodeMessage<T>, options: SubscribeOptions = {}): Subscription<T> {
    checkName(topic, 'topic');
    return subscribeTopic(port, runtime, topic, options, decode);
  }

  async function read<T>(topic: string, decode: DecodeMessage<T>, options: ReadOptions = {}): Promise<TopicPage<T>> {
    checkName(topic, 'topic');
    const { after = 'start', limit = 100 } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_READ) throw invalid(`limit ${limit}: 1 to ${MAX_READ}`);
    const [page] = await port.read([{ topic, after }], limit);
    if (!page) throw new PortolanError('INTERNAL', 'the store answered no page');
    const decoded = await Promise.all(page.messages.map((one) => decodeMessage(runtime, topic, one, decode)));
    const messages = decoded.filter((one) => one !== undefined);
    return { messages, cursor: page.cursor, gap: page.gap || messages.length < decoded.length, more: page.more };
  }

  const plain =
    (topic: string): DecodeMessage<unknown> =>
    (message) =>
      decodeJson(message.data, `message ${message.cursor} of topic ${topic}`);

  return {
    publish,
    subscribe: (topic, options) => subscribe(topic, plain(topic), options),
    read: (topic, options) => read(topic, plain(topic), options),
    // Names that checkName refuses are those of commands and their replies.
    list: async () => (await port.topics()).filter((one) => one.messages > 0 && !one.topic.startsWith('~')),
    of<S extends Schema>(topic: string, schema: S): TypedTopic<S> {
      checkName(topic, 'topic');
      const decode: DecodeMessage<OutputOf<S>> = (message) =>
        parse(schema, plain(topic)(message), `message ${message.cursor} of topic ${topic}`);
      return {
        async publish(data) {
          await parse(schema, data, `message for topic ${topic}`);
          return publish(topic, data);
        },
        subscribe: (options) => subscribe(topic, decode, options),
        read: (options) => read(topic, decode, options),
      };
    },
  };
}

function checkRetention(retention: TopicRetention): TopicRetention {
  const { count, ms, resumeMs } = retention;
  if (!Number.isInteger(count) || count < 1) throw invalid(`retention count ${count}: a whole number from 1`);
  if (!Number.isInteger(ms) || ms < 1) throw invalid(`retention ms ${ms}: a whole number from 1`);
  if (!Number.isInteger(resumeMs) || resumeMs < 0)
    throw invalid(`retention resumeMs ${resumeMs}: a whole number from 0`);
  return retention;
}
