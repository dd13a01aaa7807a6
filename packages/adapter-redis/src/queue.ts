import {
  type Amended,
  encodeQueueLimits,
  type FlowInspection,
  isScheduleAmendment,
  MAX_QUEUES,
  nothingSwept,
  type QueueInspected,
  type QueuePort,
  tooManyQueues,
} from '@portolan/core';
import { hashTag, type RedisArgument, type RedisContext, type RedisScript } from './connection.ts';
import { exchangeArgs, readExchange } from './queue-exchange.ts';
import { flowLook, flowScript, readFlow } from './queue-flow.ts';
import { pushBatch } from './queue-push.ts';
import { queuesByKeys, reconcileQueue } from './queue-reconcile.ts';
import { readInspected, readLogLine } from './queue-reply.ts';
import { amendSchedule, inspectSchedules } from './queue-schedule.ts';
import { AMEND } from './queue-scripts/amend.ts';
import { BEAT } from './queue-scripts/beat.ts';
import { EXCHANGE } from './queue-scripts/exchange.ts';
import { INSPECT } from './queue-scripts/inspect.ts';
import { LOG, LOGS } from './queue-scripts/logs.ts';
import { LIST, UNLIST } from './queue-scripts/names.ts';
import { PUSH } from './queue-scripts/push.ts';
import { SWEEP } from './queue-scripts/sweep.ts';
import { QueueWaits } from './queue-wait.ts';

/** Jobs on Redis: the structures are described in queue-scripts/parts.ts. Every script touches one queue, which is one hash slot, or the list of queues. */
export function redisQueue(context: RedisContext): QueuePort {
  const keyOf = (queue: string, part: string): string => context.key('queue', hashTag(queue), part);
  const namesKey = context.key('queue', 'names');
  const waits = new QueueWaits(context);

  async function list(queue: string): Promise<void> {
    if ((await context.script(LIST, [namesKey], [queue, MAX_QUEUES])) === 0) throw tooManyQueues(queue);
  }

  async function names(): Promise<string[]> {
    const listed = await context.run((client) => client.zrange(namesKey, 0, String(MAX_QUEUES - 1)));
    return listed.sort();
  }

  const script = (queue: string, one: RedisScript, args: readonly RedisArgument[]): Promise<unknown> =>
    context.script(one, [keyOf(queue, 'jobs')], args);

  async function inspect(queue: string, ...args: (string | number)[]): Promise<QueueInspected> {
    return readInspected(queue, await script(queue, INSPECT, args));
  }

  const look = async (inspection: FlowInspection) => readFlow(await script(inspection.queue, ...flowLook(inspection)));

  return {
    lanes: 2,

    async push(queue, jobs) {
      if (jobs.length === 0) return [];
      const { args, read } = pushBatch(jobs);
      // A worker of this process that waits claims on the same connection, right behind the push: it need not hear of it from Redis. It looks again when the
      // push was late after all (a script that Redis did not know).
      const wake = keyOf(queue, 'wake');
      const woken = waits.wakeOne(wake);
      let answer = await script(queue, PUSH, [woken ? 2 : 0, ...args]);
      if (woken) waits.wakeOne(wake);
      if (!answer) {
        await list(queue);
        answer = await script(queue, PUSH, [1, ...args]);
      }
      return read(answer);
    },

    exchange: async (queue, request) => readExchange(await script(queue, EXCHANGE, exchangeArgs(request))),

    async beat(queue, session, leaseMs) {
      const [alive, cancel] = (await script(queue, BEAT, [session, leaseMs])) as [number, string[]];
      return { alive: alive === 1, cancel };
    },

    async sweep(queue, { maxStalls, error, retention, idleMs, reconcile }) {
      if (reconcile) return nothingSwept(await reconcileQueue(context, queue, reconcile));
      const { completed, failed: ended } = retention;
      const args = [maxStalls, error, completed.count, completed.ms, ended.count, ended.ms, idleMs];
      const swept = (await script(queue, SWEEP, args)) as [string[], string[], number, number, number, number, number];
      const [recovered, failed, more, active, idle, schedule, owes] = swept;
      if (idle === 1) await context.script(UNLIST, [namesKey], [queue, idleMs]);
      const scheduleInMs = schedule < 0 ? null : schedule;
      return { recovered, failed, more: more === 1, active: active === 1, scheduleInMs, owes: owes === 1 };
    },

    wait: (queues, signal) =>
      waits.wait(
        queues.map((queue) => keyOf(queue, 'wake')),
        signal,
      ),

    async inspect(inspection) {
      if (inspection.of === 'jobs') return inspect(inspection.queue, 'jobs', ...inspection.ids);
      if (inspection.of === 'state') {
        const { queue, state, cursor, limit } = inspection;
        return inspect(queue, state, Number(cursor ?? 0), limit);
      }
      if (inspection.of === 'schedules')
        return inspectSchedules(inspection, (one, args) => script(inspection.queue, one, args));
      if (inspection.of === 'owed' || inspection.of === 'parts') return look(inspection);
      if (inspection.of === 'logs') {
        const { queue, id } = inspection;
        const lines = (await script(queue, LOGS, [id])) as string[] | null;
        return { queues: [], jobs: [], cursor: null, logs: lines?.map(readLogLine) };
      }
      const listed = await names();
      if (inspection.of === 'names') {
        const all = inspection.unlisted ? new Set([...listed, ...(await queuesByKeys(context))]) : listed;
        return { queues: [], jobs: [], cursor: null, names: [...all].sort() };
      }
      const found = await Promise.all(listed.map((queue) => inspect(queue, 'none')));
      return { queues: found.flatMap((one) => one.queues), jobs: [], cursor: null };
    },

    async amend(queue, amendment) {
      if (isScheduleAmendment(amendment)) {
        return amendSchedule(
          queue,
          amendment,
          (one, args) => script(queue, one, args),
          () => list(queue),
        );
      }
      if (amendment.do === 'log') {
        const { id, session, lines } = amendment;
        return (await script(queue, LOG, [id, session, ...lines])) as Amended;
      }
      const flow = flowScript(amendment);
      if (flow) return (await script(queue, ...flow)) as Amended;
      const args: string[] = 'id' in amendment ? [amendment.do, amendment.id] : [amendment.do, ''];
      if (amendment.do === 'progress') args.push(amendment.session, amendment.progress);
      if (amendment.do === 'retry' && amendment.body !== undefined) args.push(amendment.body);
      if (amendment.do === 'limit') args.push(amendment.limits === null ? '' : encodeQueueLimits(amendment.limits));
      if (amendment.do === 'pause' || (amendment.do === 'limit' && amendment.limits)) await list(queue);
      return (await script(queue, AMEND, args)) as Amended;
    },
  };
}
