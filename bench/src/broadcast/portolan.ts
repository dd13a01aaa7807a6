import { createTopics } from '@portolan/core';
import { numberOf } from '../harness/contender.ts';
import { openPortolan } from '../harness/portolan.ts';
import { VALUE } from '../harness/value.ts';
import { competeWithChannel } from './works.ts';

competeWithChannel(async (task) => {
  const { backend, runtime } = await openPortolan(task);
  // Kept are as many as a subscriber may be behind: a gap would be a message that nobody waited for.
  const retention = { count: numberOf(task, 'messages') * 2 };
  const topics = createTopics({ port: backend.broadcast, runtime, retention });
  return {
    publish: () => topics.publish('topic', VALUE),
    async subscribe(receive) {
      const subscription = topics.subscribe('topic');
      void (async () => {
        for await (const { gap } of subscription) {
          if (gap) throw new Error('a message was missed');
          receive();
        }
      })();
      await subscription.ready;
    },
  };
});
