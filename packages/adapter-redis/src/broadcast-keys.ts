import { hashTag, type RedisContext } from './connection.ts';

/**
 * A topic lies under `NAMESPACE:topic:{TOPIC}`: the stream, and beside it `:meta` (incarnation and sequence), `:members` and `:members:info`, all in one
 * slot. The stream's name is the channel of its hints too; Pub/Sub knows no databases, so other databases than 0 have channels of their own.
 */
export function topicKeys(context: RedisContext, topic: string) {
  const database = context.client.options.db ?? 0;
  const stream = context.key('topic', hashTag(topic));
  return {
    stream,
    counter: `${stream}:meta`,
    members: `${stream}:members`,
    info: `${stream}:members:info`,
    channel: database === 0 ? stream : `${stream}@${database}`,
  };
}
