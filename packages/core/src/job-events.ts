import type { SubscribeOptions, Subscription } from './broadcast-subscribe.ts';
import { JobCipher, type PayloadKey } from './job-cipher.ts';
import { isFinal, type JobEvent, type JobEventLevel, type JobEventType } from './job-event.ts';
import { JobEventFeed } from './job-event-feed.ts';
import { subscribeJobEvents } from './job-event-stream.ts';
import { JobEventWatch } from './job-event-watch.ts';
import type { BroadcastPort } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';

export interface JobEventsOptions {
  readonly port: BroadcastPort;
  readonly runtime: Runtime;
  /** What is published; `final` if not said. */
  readonly level?: JobEventLevel;
  /** Those of the queue (`encryptedQueue`): messages of errors are encrypted as they are there. */
  readonly payloadKeys?: readonly PayloadKey[] | undefined;
}

/**
 * What happens to jobs, told to every process: workers and queues that are given one publish to it, and queues read it. One for all of a process. It is told as
 * well as can be: no job waits for it or fails over it, and what happens while the store is away may be dropped, which shows as a gap.
 */
export interface JobEvents {
  /** Is an event of this type published? */
  wants(type: JobEventType): boolean;
  /** Takes note of what happened; never throws and waits for nothing. */
  publish(event: JobEvent): void;
  /** See `Queue.events`. */
  subscribe(queue: string, options?: SubscribeOptions): Subscription<JobEvent>;
  /**
   * Calls `wake` when a job (`local`: its id without the queue's name) may have ended, when the queue's events are followed from now on, and when some may have
   * been missed. The answer ends it.
   */
  watch(queue: string, local: string, wake: () => void): () => void;
  /** Resolves when what was published stands in the store, or after `ms`. */
  flush(ms: number): Promise<void>;
  /** Ends everything, at most 2 s later. Before the store is closed. */
  close(): Promise<void>;
}

const CLOSE_MS = 2_000;

export function createJobEvents({ port, runtime, level = 'final', payloadKeys }: JobEventsOptions): JobEvents {
  const cipher = payloadKeys && new JobCipher(payloadKeys);
  const feeds = new Map<string, JobEventFeed>();
  const watch = new JobEventWatch(port, runtime);
  const closing = new AbortController();

  async function within(ms: number, done: Promise<unknown>): Promise<void> {
    const waited = new AbortController();
    await Promise.race([done, runtime.sleep(ms, waited.signal)]);
    waited.abort();
  }

  const flush = (ms: number) => within(ms, Promise.all([...feeds.values()].map((feed) => feed.sent())));
  const wants = (type: JobEventType) => level === 'all' || isFinal(type);

  return {
    wants,
    publish(event) {
      if (!wants(event.type) || closing.signal.aborted) return;
      let feed = feeds.get(event.queue);
      if (!feed) {
        feed = new JobEventFeed(port, runtime, event.queue, cipher, closing.signal);
        feeds.set(event.queue, feed);
      }
      feed.push(event);
    },
    subscribe: (queue, options = {}) => subscribeJobEvents(port, runtime, queue, options, cipher),
    watch: (queue, local, wake) => watch.watch(queue, local, wake),
    flush,
    async close() {
      await within(CLOSE_MS, Promise.all([flush(CLOSE_MS), watch.close()]));
      closing.abort();
    },
  };
}
