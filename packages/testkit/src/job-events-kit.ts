import {
  type Backend,
  type BroadcastPort,
  createJobEvents,
  createQueue,
  type JobEvents,
  type JobEventsOptions,
  type Queue,
} from '@portolan/core';
import { during, readOne } from './broadcast-kit.ts';
import type { Kit } from './harness.ts';
import { type Bench, withBench } from './worker-bench.ts';

export interface EventBench extends Bench {
  /** What the workers of this test publish to; pass it to each. */
  readonly told: JobEvents;
  /** The queue as a process without workers has it. */
  readonly elsewhere: Queue;
}

/** A bench whose workers are to publish what happens, and a second process that watches. */
export async function withEvents(
  kit: Kit,
  backend: Backend,
  options: Partial<JobEventsOptions>,
  body: (bench: EventBench) => Promise<void>,
): Promise<void> {
  const { runtime } = kit;
  const told = createJobEvents({ port: backend.broadcast, runtime, ...options });
  const other = await kit.open();
  const seen = createJobEvents({ ...options, port: other.broadcast, runtime });
  const elsewhere = createQueue({ port: other.queue, runtime, events: seen });
  try {
    await withBench(kit, backend, (bench) => body({ ...bench, told, elsewhere }));
  } finally {
    await during(kit, Promise.all([told.close(), seen.close()]));
  }
}

/** The messages of a queue's events as the store has them. */
export async function storedEvents(port: BroadcastPort, queue = 'work'): Promise<readonly string[]> {
  return (await readOne(port, `~events.${queue}`, 'start', 1_000)).messages.map(({ data }) => data);
}
