import type { PortolanClient } from '@portolan/api/client';
import type { Step } from '../tour.ts';
import { waitForJob } from './pages.ts';

interface Listening {
  readonly heard: unknown[];
  readonly lastId: () => string | undefined;
  until(count: number): Promise<void>;
  stop(): void;
}

/** Subscribes and resolves once the server has confirmed the subscription. */
function listen(client: PortolanClient, topic: string, lastEventId?: string): Promise<Listening> {
  const heard: unknown[] = [];
  let lastId: string | undefined;
  let check: () => void = () => undefined;
  return new Promise((resolve, reject) => {
    const subscription = client.topics.stream.subscribe(
      { topic, ...(lastEventId ? { lastEventId } : {}) },
      {
        onStarted: () =>
          resolve({
            heard,
            lastId: () => lastId,
            until: (count) =>
              new Promise((done, fail) => {
                const timer = setTimeout(
                  () => fail(new Error(`heard ${heard.length} of ${count} messages in 10 s`)),
                  10_000,
                );
                check = () => {
                  if (heard.length < count) return;
                  clearTimeout(timer);
                  done();
                };
                check();
              }),
            stop: () => subscription.unsubscribe(),
          }),
        onData: (message) => {
          lastId = message.id;
          heard.push(message.data.data);
          check();
        },
        onError: reject,
      },
    );
  });
}

/** System 5: producers, consumers, subscribers. */
export const queues: Step = {
  title: 'Producers, consumers, subscribers',
  async play({ client, run }, say) {
    const pushed = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        client.queues.push.mutate({ queue: 'default', name: 'echo', data: { n, run } }),
      ),
    );
    const echoed = await Promise.all(
      pushed.map(({ jobId }) => waitForJob(client, jobId, { ...say, progress: () => undefined })),
    );
    say.expect(
      '50 items pushed, each consumed by exactly one worker',
      new Set(echoed.map((job) => JSON.stringify(job.result))).size,
      50,
    );
    say.expect(
      'each at its first attempt',
      echoed.every((job) => job.attempts === 1),
      true,
    );

    const { jobId } = await client.queues.push.mutate({
      queue: 'default',
      name: 'count',
      data: { steps: 10, stepMs: 100 },
    });
    const counted = await waitForJob(client, jobId, say);
    say.expect('a long work with progress', counted.result, { counted: 10, attempt: 1 });

    const topic = `tour-${run}`;
    const [one, two] = await Promise.all([listen(client, topic), listen(client, topic)]);
    await client.topics.publish.mutate({ topic, data: 'first' });
    await Promise.all([one.until(1), two.until(1)]);
    say.expect('published once, heard by both subscribers', [one.heard, two.heard], [['first'], ['first']]);
    two.stop();
    await client.topics.publish.mutate({ topic, data: 'second' });
    await client.topics.publish.mutate({ topic, data: 'third' });
    const resumed = await listen(client, topic, two.lastId());
    await resumed.until(2);
    say.expect('a subscriber that was away resumes without a gap', resumed.heard, ['second', 'third']);
    one.stop();
    resumed.stop();
  },
};
