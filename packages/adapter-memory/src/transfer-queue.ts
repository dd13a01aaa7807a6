import type { PlacedRecord, TransferRecord } from '@portolan/core';
import type { MemoryContext } from './hub.ts';
import { listQueue, queueStore } from './queue.ts';
import { type Job, QueueState } from './queue-state.ts';
import { type PartTransfer, sortedBehind } from './transfer-part.ts';

/** Behind a queue's record (no id) or one of its jobs. */
type QueuePlace = readonly [queue: string, id: string];

export function memoryQueueTransfer(context: MemoryContext): PartTransfer<QueuePlace> {
  const store = queueStore(context);
  const { queues, listed, wakeUps } = store;

  function* from(place: QueuePlace | null): Iterable<PlacedRecord<QueuePlace>> {
    const begun = place && queues.get(place[0]);
    if (place && begun) yield* jobsBehind(place[0], begun, place[1]);
    for (const [queue] of sortedBehind(listed, place?.[0] ?? '')) {
      const state = queues.get(queue) ?? new QueueState();
      yield { record: { of: 'queue', queue, paused: state.paused }, place: [queue, ''] };
      yield* jobsBehind(queue, state, '');
    }
  }

  /** From the first job when the one before is gone. */
  function* jobsBehind(queue: string, state: QueueState, id: string): Iterable<PlacedRecord<QueuePlace>> {
    const jobs = (['active', 'waiting', 'delayed', 'completed', 'failed', 'cancelled'] as const).flatMap((one) =>
      state.list(one),
    );
    for (const job of jobs.slice(jobs.findIndex((one) => one.id === id) + 1))
      yield { record: toTransferred(queue, job), place: [queue, job.id] };
  }

  return {
    count: () => [...queues.values()].reduce((sum, state) => sum + 1 + state.jobs.size, 0),
    walk: {
      from,
      readPlace(content) {
        const [queue, id] = Array.isArray(content) ? (content as unknown[]) : [];
        return typeof queue === 'string' && typeof id === 'string' ? [queue, id] : undefined;
      },
    },
    load(record) {
      if (record.of !== 'queue' && record.of !== 'job') return;
      const state = queues.get(record.queue) ?? new QueueState();
      queues.set(record.queue, state);
      listQueue(store, record.queue, context.hub.clock.now());
      if (record.of === 'queue') state.paused = record.paused;
      else {
        state.load(record);
        wakeUps.wake(record.queue);
      }
    },
  };
}

function toTransferred(queue: string, job: Job): TransferRecord {
  const { id, body, state, priority, runs, stalls, dedupeKey, progress, result, error, dueAt, startedAt } = job;
  const cancelled = state === 'active' && job.cancelAsked;
  return {
    of: 'job',
    queue,
    id,
    body,
    state: cancelled ? 'cancelled' : state === 'active' ? 'waiting' : state,
    priority,
    attempts: runs,
    stalls,
    dedupeKey: cancelled ? null : (dedupeKey ?? null),
    progress,
    result,
    error,
    dueAt,
    startedAt,
    finishedAt: cancelled ? startedAt : job.finishedAt,
  };
}
