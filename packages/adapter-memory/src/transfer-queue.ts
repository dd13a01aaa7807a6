import type { PlacedRecord, TransferRecord } from '@portolan/core';
import type { MemoryContext } from './hub.ts';
import { listQueue, queueStore } from './queue.ts';
import { limit } from './queue-claim.ts';
import { loadSchedule } from './queue-schedule.ts';
import { type Job, QueueState } from './queue-state.ts';
import { type PartTransfer, sortedBehind } from './transfer-part.ts';

/** Behind a queue's record (no id), one of its jobs, or one of its schedules, which come behind the jobs. */
type QueuePlace = readonly [queue: string, id: string, schedule: string];

export function memoryQueueTransfer(context: MemoryContext): PartTransfer<QueuePlace> {
  const store = queueStore(context);
  const { queues, listed, wakeUps } = store;

  function* from(place: QueuePlace | null): Iterable<PlacedRecord<QueuePlace>> {
    const begun = place && queues.get(place[0]);
    if (place && begun) yield* behind(place, begun);
    for (const [queue] of sortedBehind(listed, place?.[0] ?? '')) {
      const state = queues.get(queue) ?? new QueueState();
      const { paused, limits } = state;
      yield { record: { of: 'queue', queue, paused, limits }, place: [queue, '', ''] };
      yield* behind([queue, '', ''], state);
    }
  }

  function* behind([queue, id, schedule]: QueuePlace, state: QueueState): Iterable<PlacedRecord<QueuePlace>> {
    if (schedule === '') yield* jobsBehind(queue, state, id);
    for (const [one, record] of sortedBehind(state.schedules, schedule))
      yield { record: { of: 'schedule', queue, ...record }, place: [queue, '', one] };
  }

  /** From the first job when the one before is gone. */
  function* jobsBehind(queue: string, state: QueueState, id: string): Iterable<PlacedRecord<QueuePlace>> {
    const line = state.list('waiting').filter((job) => job.aside === null);
    const others = (['delayed', 'completed', 'failed', 'cancelled'] as const).flatMap((one) => state.list(one));
    const jobs = [...state.list('active'), ...state.groups.list(), ...line, ...others];
    for (const job of jobs.slice(jobs.findIndex((one) => one.id === id) + 1))
      yield { record: toTransferred(queue, job), place: [queue, job.id, ''] };
  }

  return {
    count: () => [...queues.values()].reduce((sum, state) => sum + 1 + state.jobs.size + state.schedules.size, 0),
    walk: {
      from,
      readPlace(content) {
        const [queue, id, schedule] = Array.isArray(content) ? (content as unknown[]) : [];
        if (typeof queue !== 'string' || typeof id !== 'string' || typeof schedule !== 'string') return undefined;
        return [queue, id, schedule];
      },
    },
    load(record) {
      if (record.of !== 'queue' && record.of !== 'job' && record.of !== 'schedule') return;
      const state = queues.get(record.queue) ?? new QueueState();
      queues.set(record.queue, state);
      listQueue(store, record.queue, context.hub.clock.now());
      if (record.of === 'queue') {
        state.paused = record.paused;
        limit(state, record.limits);
      } else if (record.of === 'schedule') loadSchedule(state, record);
      else {
        state.load(record);
        wakeUps.wake(record.queue);
      }
    },
  };
}

function toTransferred(queue: string, job: Job): TransferRecord {
  const { id, body, state, priority, group, runs, stalls, dedupeKey, progress, result, error, dueAt, startedAt } = job;
  const cancelled = state === 'active' && job.cancelAsked;
  return {
    of: 'job',
    queue,
    id,
    body,
    state: cancelled ? 'cancelled' : state === 'active' ? 'waiting' : state,
    priority,
    group,
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
