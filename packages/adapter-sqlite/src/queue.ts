import { isScheduleAmendment, type NewJob, nothingSwept, type PushedJob, type QueuePort } from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { amend } from './queue-amend.ts';
import { claimable, isLimited } from './queue-claim.ts';
import { exchange, toCancel } from './queue-exchange.ts';
import { inspect } from './queue-inspect.ts';
import { list, sweepUnlisted, unlist } from './queue-list.ts';
import { inspectState } from './queue-page.ts';
import { push } from './queue-push.ts';
import { reconcileQueue } from './queue-reconcile.ts';
import { amendSchedule } from './queue-schedule.ts';
import { beatSession, findSession, sweepSessions } from './queue-session.ts';
import { QueueState } from './queue-state.ts';
import { sweep } from './queue-sweep.ts';
import { channelOf, QueueWaits } from './queue-wait.ts';

/** Jobs in SQLite: the tables are described in queue-schema.ts. Every change is one transaction, which it shares with the other writes of its moment. */
export function sqliteQueue(context: SqliteContext): QueuePort {
  const { engine, namespace, signals, now } = context;
  const waits = new QueueWaits(context);
  context.onSweep((limit) => sweepSessions(engine, now(), limit));
  context.onSweep((limit) => sweepUnlisted(engine, now(), limit));

  /** Changes a queue that is there, or answers `otherwise`. */
  function change<T>(queue: string, otherwise: T, work: (state: QueueState) => T): Promise<T> {
    return engine.write(() => {
      const state = QueueState.find(engine, namespace, queue, now());
      if (!state) return otherwise;
      const answer = work(state);
      state.save();
      return answer;
    });
  }

  /** Changes a queue, which is made if need be. */
  function make<T>(queue: string, work: (state: QueueState) => T): Promise<T> {
    return engine.write(() => {
      const state = QueueState.make(engine, namespace, queue, now());
      const answer = work(state);
      state.save();
      return answer;
    });
  }

  const wake = (queue: string): void => signals.raise(channelOf(queue));

  function add(state: QueueState, jobs: readonly NewJob[]): PushedJob[] {
    list(state);
    const { pushed, hint } = push(state, jobs);
    if (hint) wake(state.row.name);
    return pushed;
  }

  return {
    push: async (queue, jobs) => (jobs.length === 0 ? [] : make(queue, (state) => add(state, jobs))),

    exchange: (queue, request) =>
      make(queue, (state) => {
        const result = exchange(state, request);
        // Who took jobs and left some: every waiter had the signal of their push, or looked when it began to wait. Not so where the limits let them wait, or where jobs
        // came back.
        const wakes =
          request.claim === 0 ||
          isLimited(state.row) ||
          request.settled.some(({ outcome }) => outcome === 'released' || outcome === 'retry');
        if (wakes && claimable(engine, state.row, state.now) > 0) wake(queue);
        return result;
      }),

    beat: (queue, session, leaseMs) =>
      engine.write(() => {
        const state = QueueState.find(engine, namespace, queue, now());
        if (!state || !beatSession(engine, state.row.number, session, now() + leaseMs))
          return { alive: false, cancel: [] };
        return { alive: true, cancel: toCancel(state, findSession(engine, state.row.number, session).held) };
      }),

    async sweep(queue, policy) {
      if (policy.reconcile) {
        const find = () => QueueState.find(engine, namespace, queue, now());
        return nothingSwept(await reconcileQueue(engine, find, () => wake(queue), policy.reconcile));
      }
      return change(queue, nothingSwept(), (state) => {
        const swept = sweep(state, policy);
        unlist(state, policy.idleMs);
        const due = state.row.paused === 0 && state.dueInMs() === 0;
        if (due || claimable(engine, state.row, state.now) > 0) wake(queue);
        return swept;
      });
    },

    wait: (queues, signal) => waits.wait(queues, signal),
    inspect: (inspection) =>
      inspection.of === 'state'
        ? inspectState(engine, namespace, inspection)
        : engine.snapshot(() => inspect(engine, namespace, inspection, now())),

    amend: (queue, amendment) => {
      if (isScheduleAmendment(amendment)) {
        const work = (state: QueueState) => amendSchedule(state, amendment, (jobs) => add(state, jobs));
        const adds = amendment.do === 'schedule' && amendment.nextAt !== null;
        return adds ? make(queue, work) : change(queue, 'missing', work);
      }
      const work = (state: QueueState) => {
        const amended = amend(state, amendment);
        if (amended === 'done' && claimable(engine, state.row, state.now) > 0) wake(queue);
        return amended;
      };
      if (amendment.do === 'pause' || (amendment.do === 'limit' && amendment.limits))
        return make(queue, (state) => {
          list(state);
          return work(state);
        });
      return change(queue, 'id' in amendment ? 'missing' : 'done', work);
    },
  };
}
