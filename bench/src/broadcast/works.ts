import { setTimeout as pause } from 'node:timers/promises';
import { byCallers, compete, numberOf, Stopwatch, type Work } from '../harness/contender.ts';
import type { Task } from '../harness/contest.ts';
import { quantile } from '../harness/statistics.ts';

export interface Channel {
  publish(): Promise<unknown>;
  /** Subscribes; resolves once every message published from now on will be seen. `receive` is called for each. */
  subscribe(receive: () => void): Promise<void>;
}

const SUBSCRIBERS = 2;

/** Every connection is a process's own: the publisher's and each subscriber's. */
export function competeWithChannel(open: (task: Task) => Promise<Channel>): void {
  async function subscribed(task: Task): Promise<{ publisher: Channel; received(messages: number): Promise<void> }> {
    const publisher = await open(task);
    const counts = new Array<number>(SUBSCRIBERS).fill(0);
    let awaited = 0;
    let all: (() => void) | undefined;
    for (let at = 0; at < SUBSCRIBERS; at += 1) {
      await (await open(task)).subscribe(() => {
        counts[at] = (counts[at] ?? 0) + 1;
        if (all && counts.every((count) => count >= awaited)) all();
      });
    }
    return {
      publisher,
      received: (messages) =>
        new Promise((resolve) => {
          awaited += messages;
          all = resolve;
        }),
    };
  }

  const publish: Work = async (task) => {
    const { publisher, received } = await subscribed(task);
    const messages = numberOf(task, 'messages');
    const run = async (count: number) => {
      const arrived = received(count);
      await byCallers(numberOf(task, 'callers'), count, () => publisher.publish());
      await arrived;
    };
    await run(Math.ceil(messages / 10));
    const watch = await new Stopwatch(task.redisUrl).ready();
    watch.start();
    await run(messages);
    return watch.stop(messages);
  };

  /** From the call to the receipt by both, everything at rest before it. */
  const latency: Work = async (task) => {
    const { publisher, received } = await subscribed(task);
    const messages = numberOf(task, 'messages');
    const uncounted = Math.ceil(messages / 10);
    const ms: number[] = [];
    for (let n = 0; n < uncounted + messages; n += 1) {
      await pause(2);
      const started = performance.now();
      const arrived = received(1);
      void publisher.publish();
      await arrived;
      if (n >= uncounted) ms.push(performance.now() - started);
    }
    return { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) };
  };

  compete({ publish, latency });
}
