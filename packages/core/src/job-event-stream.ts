import { formatCursor, parseCursor } from './broadcast-cursor.ts';
import { type SubscribeOptions, type Subscription, subscribeTopic, type TopicEvent } from './broadcast-subscribe.ts';
import type { JobCipher } from './job-cipher.ts';
import type { JobEvent } from './job-event.ts';
import { eventsTopic, readEventMessage, toJobEvent } from './job-event-wire.ts';
import type { BroadcastPort, ReadAfter } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';

/** Behind a message's last event: the message's cursor. Behind the n-th of more: that, a dot and n. */
const WITHIN = /^(\d{1,15}-\d{1,15})\.(\d{1,5})$/;

interface Place {
  /** Where reading begins. */
  readonly after: ReadAfter;
  /** The message that was read in part, and how many of its events. */
  readonly partly?: { readonly id: string; readonly seen: number };
}

/** A message read in part is read again, without what was seen of it. */
function placeOf(after: ReadAfter): Place {
  const within = WITHIN.exec(after);
  if (!within) return { after };
  const [, id = '', seen] = within;
  const { incarnation, sequence } = parseCursor(id);
  const before = formatCursor({ incarnation, sequence: Math.max(0, sequence - 1) });
  return { after: before, partly: { id, seen: Number(seen) } };
}

/** The events of a queue's topic one by one, each with an id to go on behind. See `Queue.events`. */
export function subscribeJobEvents(
  port: BroadcastPort,
  runtime: Runtime,
  queue: string,
  { after = 'end', ...options }: SubscribeOptions,
  cipher: JobCipher | undefined,
): Subscription<JobEvent> {
  const place = placeOf(after);
  const messages = subscribeTopic(port, runtime, eventsTopic(queue), { ...options, after: place.after }, (message) =>
    readEventMessage(message.data),
  );

  async function* events(): AsyncGenerator<TopicEvent<JobEvent>, undefined> {
    for await (const { id, data, at, gap } of messages) {
      const seen = place.partly?.id === id ? place.partly.seen : 0;
      let missed = gap === true || (data.lost > 0 && seen === 0);
      for (const [index, wire] of data.events.entries()) {
        if (index < seen || !wire) continue;
        const last = index === data.events.length - 1;
        const event = { id: last ? id : `${id}.${index + 1}`, data: toJobEvent(queue, wire, cipher), at };
        yield missed ? { ...event, gap: true } : event;
        missed = false;
      }
    }
  }

  const iterator = events();
  return {
    ready: messages.ready,
    next: () => iterator.next(),
    return: () => {
      // A pending next() ends first: the subscription's end wakes it.
      void messages.return();
      return iterator.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
