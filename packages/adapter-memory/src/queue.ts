import {
  type ExchangeResult,
  isScheduleAmendment,
  MAX_QUEUES,
  type NewJob,
  nothingSwept,
  type PushedJob,
  type QueueInspected,
  type QueueInspection,
  type QueuePort,
  type QueueSummary,
  tooManyQueues,
} from '@portolan/core';
import type { MemoryContext } from './hub.ts';
import { amend } from './queue-amend.ts';
import { claim, hasClaimable, nextDue } from './queue-claim.ts';
import { sortedParts } from './queue-parts.ts';
import { push } from './queue-push.ts';
import { toRecord } from './queue-record.ts';
import { amendSchedule, inspectSchedules } from './queue-schedule.ts';
import { settle } from './queue-settle.ts';
import { QueueState, type Session } from './queue-state.ts';
import { sweep } from './queue-sweep.ts';
import { WakeUps } from './queue-wake.ts';

/** How long an exchange may be repeated. */
const ANSWER_MS = 600_000;

interface Answer {
  readonly nonce: string;
  readonly result: ExchangeResult;
  readonly until: number;
}

interface QueueStore {
  /** Also those that are not listed: a session may be at them. */
  readonly queues: Map<string, QueueState>;
  /** The listed queues, with the time of their last push. */
  readonly listed: Map<string, number>;
  readonly wakeUps: WakeUps;
  /** What each session's last exchange answered, by queue and session, the oldest first. */
  readonly answers: Map<string, Answer>;
}

export const queueStore = ({ hub, namespace }: MemoryContext) =>
  hub.state<QueueStore>(namespace, 'queue', () => ({
    queues: new Map(),
    listed: new Map(),
    wakeUps: new WakeUps(),
    answers: new Map(),
  }));

/** Lists a queue, or notes that it is in use. Throws when it would be one too many. */
export function listQueue({ listed }: QueueStore, queue: string, now: number): void {
  if (!listed.has(queue) && listed.size >= MAX_QUEUES) throw tooManyQueues(queue);
  listed.set(queue, now);
}

export function memoryQueue(context: MemoryContext): QueuePort {
  const store = queueStore(context);
  const closed = new AbortController();
  context.onClose(() => closed.abort());

  function list(queue: string): void {
    context.open();
    listQueue(store, queue, context.hub.clock.now());
  }

  /** Off the list if it was not pushed to for long enough, and out of memory if no session is at it either. */
  function drop(queue: string, state: QueueState, idleMs: number, now: number): void {
    const { jobs, schedules, owed, paused, limits } = state;
    if (jobs.size + schedules.size + owed.size > 0 || paused || limits) return;
    if ((store.listed.get(queue) ?? 0) <= now - idleMs) store.listed.delete(queue);
    if (store.listed.has(queue) || state.sessions.size > 0) return;
    store.queues.delete(queue);
    store.wakeUps.forget(queue);
  }

  /** The queue's state, kept if it is to `make`. */
  function open(queue: string, make: boolean): { readonly state: QueueState; readonly now: number } {
    context.open();
    const state = store.queues.get(queue) ?? new QueueState();
    if (make) store.queues.set(queue, state);
    return { state, now: context.hub.clock.now() };
  }

  function add(queue: string, jobs: readonly NewJob[]): PushedJob[] {
    list(queue);
    const { state, now } = open(queue, true);
    const pushed = jobs.map((job) => push(state, job, now));
    if (pushed.some((one) => one.hint)) store.wakeUps.wake(queue);
    return pushed.map(({ id, created }) => ({ id, created }));
  }

  return {
    push: async (queue, jobs) => (jobs.length === 0 ? [] : add(queue, jobs)),

    async exchange(queue, request) {
      const { state, now } = open(queue, true);
      const { session, created } = touch(state, request.session, now + request.leaseMs);
      const answerKey = `${queue}:${request.session}`;
      const answered = store.answers.get(answerKey);
      if (answered?.nonce === request.nonce) {
        return { ...again(answered.result, created, session), owes: state.owed.due(now) };
      }
      const refused = request.settled.filter((one) => !settle(state, session, one, now)).map((one) => one.id);
      if (request.settled.length > 0) state.trim(request.retention, now);
      for (let job = state.delayed[0]; job && (job.dueAt ?? 0) <= now; job = state.delayed[0]) {
        state.leave(job);
        state.enter(job, now, 0, false);
      }
      const { jobs, finished } = claim(state, request, session, now);
      if (hasClaimable(state, now)) store.wakeUps.wake(queue);
      const next = finished ? nextDue(state, now) : now;
      const result: ExchangeResult = {
        created,
        jobs,
        refused,
        cancel: cancelled(session),
        dueInMs: next === null ? null : next - now,
        owes: state.owed.due(now),
      };
      store.answers.delete(answerKey);
      store.answers.set(answerKey, { nonce: request.nonce, result, until: now + ANSWER_MS });
      return result;
    },

    async beat(queue, session, leaseMs) {
      const { state, now } = open(queue, false);
      const known = state.sessions.get(session);
      if (!known) return { alive: false, cancel: [] };
      known.expiresAt = now + leaseMs;
      return { alive: true, cancel: cancelled(known) };
    },

    async sweep(queue, policy) {
      // Each job is one object here, whose state is a field of it: there is nothing that could disagree.
      if (policy.reconcile) return nothingSwept({ cursor: null, looked: 0, repaired: {} });
      const { state, now } = open(queue, false);
      const swept = sweep(state, policy, now);
      for (const [key, answer] of store.answers) {
        if (answer.until > now) break;
        store.answers.delete(key);
      }
      state.groups.endWindows(now);
      const due = (state.nextDue ?? Number.POSITIVE_INFINITY) <= now;
      if (hasClaimable(state, now) || (due && !state.paused)) store.wakeUps.wake(queue);
      drop(queue, state, policy.idleMs, now);
      return swept;
    },

    async wait(queues, signal) {
      context.open();
      await store.wakeUps.wait(queues, AbortSignal.any([signal, closed.signal]));
    },

    async inspect(inspection) {
      context.open();
      return inspect(store, inspection, context.hub.clock.now());
    },

    async amend(queue, amendment) {
      if (isScheduleAmendment(amendment)) {
        const { state, now } = open(queue, false);
        const keep = () => {
          list(queue);
          store.queues.set(queue, state);
        };
        return amendSchedule({ name: queue, state, now, list: keep, push: (jobs) => add(queue, jobs) }, amendment);
      }
      const keeps = amendment.do === 'pause' || (amendment.do === 'limit' && amendment.limits !== null);
      if (keeps) list(queue);
      const { state, now } = open(queue, keeps);
      const amended = amend(state, amendment, now);
      if (amended === 'done' && hasClaimable(state, now)) store.wakeUps.wake(queue);
      return amended;
    },
  };
}

function touch(
  state: QueueState,
  id: string,
  expiresAt: number,
): { readonly session: Session; readonly created: boolean } {
  const known = state.sessions.get(id);
  const session: Session = known ?? { expiresAt, jobs: new Map() };
  session.expiresAt = expiresAt;
  state.sessions.set(id, session);
  return { session, created: !known };
}

/** The answer of a repeated exchange: as it was, without jobs that were swept meanwhile. */
function again(result: ExchangeResult, created: boolean, session: Session): ExchangeResult {
  return { ...result, created: created || result.created, jobs: result.jobs.filter((job) => session.jobs.has(job.id)) };
}

function cancelled(session: Session): string[] {
  return [...session.jobs.values()].filter((job) => job.cancelAsked).map((job) => job.id);
}

function summary(queue: string, state: QueueState): QueueSummary {
  const { waiting, delayed, active, finished, paused, limits } = state;
  const { completed, failed, cancelled: ended } = finished;
  const counts = {
    waiting,
    delayed: delayed.length,
    active: active.size,
    completed: completed.length,
    failed: failed.length,
    cancelled: ended.length,
  };
  return { queue, paused, limits, counts };
}

function inspect({ queues, listed }: QueueStore, inspection: QueueInspection, now: number): QueueInspected {
  if (inspection.of === 'names') {
    const unlisted = inspection.unlisted
      ? [...queues].filter(([, { jobs }]) => jobs.size > 0).map(([name]) => name)
      : [];
    return { queues: [], jobs: [], cursor: null, names: [...new Set([...listed.keys(), ...unlisted])].sort() };
  }
  if (inspection.of === 'queues') {
    const names = [...listed.keys()].sort();
    return { queues: names.map((name) => summary(name, queues.get(name) ?? new QueueState())), jobs: [], cursor: null };
  }
  const state = queues.get(inspection.queue) ?? new QueueState();
  if (inspection.of === 'schedules') return inspectSchedules(state, now, inspection);
  if (inspection.of === 'logs') {
    return { queues: [], jobs: [], cursor: null, logs: state.jobs.get(inspection.id)?.logs.slice() };
  }
  const told = [summary(inspection.queue, state)];
  if (inspection.of === 'jobs') {
    const jobs = inspection.ids.flatMap((id) => state.jobs.get(id) ?? []).map(toRecord);
    return { queues: told, jobs, cursor: null };
  }
  if (inspection.of === 'owed') {
    return { queues: [], jobs: [], cursor: null, owed: state.owed.list(inspection.limit, now) };
  }
  const from = Number(inspection.cursor ?? 0);
  const end = from + inspection.limit;
  if (inspection.of === 'parts') {
    const job = state.jobs.get(inspection.id);
    const parts = job ? sortedParts(job) : [];
    const cursor = end < parts.length ? String(end) : null;
    return { queues: [], jobs: [], cursor, parts: parts.slice(from, end) };
  }
  const all = state.list(inspection.state);
  return { queues: told, jobs: all.slice(from, end).map(toRecord), cursor: end < all.length ? String(end) : null };
}
