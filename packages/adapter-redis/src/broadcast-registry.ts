import { NAMES, NOTE } from './broadcast-scripts.ts';
import type { RedisContext } from './connection.ts';

/** Names listed at most. */
const MOST = 1_000;
/** ms between two notes of the same topic by the same process, and how much longer than the topic a note lives. */
const NOTE_MS = 60_000;
const REMEMBERED = 10_000;

export interface TopicRegistry {
  /** Notes that a topic holds something for `ms`; sent in the same tick as the call it goes with, so it costs no round trip of its own. */
  note(topic: string, ms: number): void;
  /** Noted names, those that live longest first. */
  names(): Promise<string[]>;
}

/**
 * The names of topics, for listing: a sorted set by the ms until which a topic may hold something, so that no listing walks the keyspace.
 * It lies in a slot of its own and is kept by best effort: whoever uses a topic notes it about once a minute, expired names go in passing.
 */
export function topicRegistry(context: RedisContext): TopicRegistry {
  const key = context.key('topics');
  const { clock } = context.runtime;
  const noted = new Map<string, number>();
  return {
    note(topic, ms) {
      const now = clock.now();
      if ((noted.get(topic) ?? 0) > now) return;
      if (noted.size >= REMEMBERED) noted.clear();
      noted.set(topic, now + NOTE_MS);
      const forget = () => void noted.delete(topic);
      context.script(NOTE, [key], [topic, ms + 2 * NOTE_MS]).catch(forget);
    },
    names: async () => (await context.script(NAMES, [key], [MOST])) as string[],
  };
}
