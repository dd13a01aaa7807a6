import { HELD_DUE_AT, isOfQueue, type PlacedRecord, type TransferRecord } from '@portolan/core';
import type { MemoryContext } from './hub.ts';
import { listQueue, queueStore } from './queue.ts';
import { limit } from './queue-claim.ts';
import type { Job } from './queue-job.ts';
import { loadPart, sortedParts } from './queue-parts.ts';
import { loadSchedule } from './queue-schedule.ts';
import { QueueState } from './queue-state.ts';
import { type PartTransfer, sortedBehind } from './transfer-part.ts';

const KINDS = ['job', 'part', 'owed', 'schedule'] as const;

/** Behind a queue's record (no id), one of its jobs, a part of a job's, what a job owes, or a schedule; in this order. */
type QueuePlace = readonly [queue: string, id: string, part: string, of: (typeof KINDS)[number]];

export function memoryQueueTransfer(context: MemoryContext): PartTransfer<QueuePlace> {
  const store = queueStore(context);
  const { queues, listed, wakeUps } = store;

  function* from(place: QueuePlace | null): Iterable<PlacedRecord<QueuePlace>> {
    const begun = place && queues.get(place[0]);
    if (place && begun) yield* rest(place[0], begun, place);
    for (const [queue] of sortedBehind(listed, place?.[0] ?? '')) {
      const state = queues.get(queue) ?? new QueueState();
      const { paused, limits } = state;
      yield { record: { of: 'queue', queue, paused, limits }, place: [queue, '', '', 'job'] };
      yield* rest(queue, state, [queue, '', '', 'job']);
    }
  }

  function* rest(queue: string, state: QueueState, [, id, part, of]: QueuePlace): Iterable<PlacedRecord<QueuePlace>> {
    if (of === 'job') yield* jobsBehind(queue, state, id);
    if (of === 'job' || of === 'part') yield* partsBehind(queue, state, of === 'part' ? [id, part] : ['', '']);
    if (of !== 'schedule') yield* owedBehind(queue, state, of === 'owed' ? id : '');
    for (const [one, record] of sortedBehind(state.schedules, of === 'schedule' ? id : ''))
      yield { record: { of: 'schedule', queue, ...record }, place: [queue, one, '', 'schedule'] };
  }

  function* partsBehind(
    queue: string,
    state: QueueState,
    [id, part]: [string, string],
  ): Iterable<PlacedRecord<QueuePlace>> {
    const jobs = [...state.jobs]
      .filter(([one, { parts }]) => parts.size > 0 && one >= id)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [one, job] of jobs) {
      for (const each of sortedParts(job)) {
        if (one === id && each.part <= part) continue;
        yield { record: { of: 'part', queue, id: one, ...each }, place: [queue, one, each.part, 'part'] };
      }
    }
  }

  function* owedBehind(queue: string, { owed }: QueueState, behind: string): Iterable<PlacedRecord<QueuePlace>> {
    for (const [id, { dueAt: _, ...entry }] of sortedBehind(owed.entries, behind))
      yield { record: { of: 'owed', queue, ...entry }, place: [queue, id, '', 'owed'] };
  }

  /** From the first job when the one before is gone. */
  function* jobsBehind(queue: string, state: QueueState, id: string): Iterable<PlacedRecord<QueuePlace>> {
    const line = state.list('waiting').filter((job) => job.aside === null);
    const others = (['delayed', 'completed', 'failed', 'cancelled'] as const).flatMap((one) => state.list(one));
    const jobs = [...state.list('active'), ...state.groups.list(), ...line, ...others];
    for (const job of jobs.slice(jobs.findIndex((one) => one.id === id) + 1))
      yield { record: toTransferred(queue, job), place: [queue, job.id, '', 'job'] };
  }

  return {
    count: () =>
      [...queues.values()].reduce(
        (sum, { jobs, owed, schedules }) => sum + 1 + jobs.size + owed.size + schedules.size,
        0,
      ),
    walk: {
      from,
      readPlace(content) {
        const [queue, id, part, of] = Array.isArray(content) ? (content as unknown[]) : [];
        if (typeof queue !== 'string' || typeof id !== 'string' || typeof part !== 'string') return undefined;
        const kind = KINDS.find((one) => one === of);
        return kind && [queue, id, part, kind];
      },
    },
    load(record) {
      if (!isOfQueue(record)) return;
      const state = queues.get(record.queue) ?? new QueueState();
      queues.set(record.queue, state);
      listQueue(store, record.queue, context.hub.clock.now());
      if (record.of === 'queue') {
        state.paused = record.paused;
        limit(state, record.limits);
      } else if (record.of === 'schedule') loadSchedule(state, record);
      else if (record.of === 'part') loadPart(state.jobs.get(record.id), record);
      else if (record.of === 'owed') state.owed.load(record);
      else {
        state.load(record);
        wakeUps.wake(record.queue);
      }
    },
  };
}

function toTransferred(queue: string, job: Job): TransferRecord {
  const { id, body, state, priority, group, runs, stalls, dedupeKey, progress, result, error, startedAt } = job;
  const cancelled = state === 'active' && job.cancelAsked && job.parent === null;
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
    dueAt: state === 'delayed' && job.dueAt !== HELD_DUE_AT ? job.dueAt : null,
    startedAt,
    finishedAt: cancelled ? startedAt : job.finishedAt,
    parent: job.parent,
    awaits: job.awaits,
    logs: [...job.logs],
  };
}
