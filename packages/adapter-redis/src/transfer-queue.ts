import {
  decodeCursor,
  decodeQueueLimits,
  encodeCursor,
  encodeQueueLimits,
  HELD_DUE_AT,
  MAX_QUEUES,
  type OwedRecord,
  type PartRecord,
  TRANSFER_PAGE_BYTES,
  type TransferPage,
  type TransferRecord,
  type TransferredJob,
  tooManyQueues,
} from '@portolan/core';
import { hashTag, type RedisArgument, type RedisContext } from './connection.ts';
import { readDebt, readPart } from './queue-flow.ts';
import { readLogLine } from './queue-reply.ts';
import { loadSchedule, type RunScript, readSchedules } from './queue-schedule.ts';
import { AMEND } from './queue-scripts/amend.ts';
import { LOAD_LOG } from './queue-scripts/logs.ts';
import { LIST } from './queue-scripts/names.ts';
import { DUMP_JOBS, LOAD_JOBS } from './queue-scripts/transfer.ts';
import { DUMP_OWED, DUMP_PARTS, LOAD_OWED, LOAD_PARTS } from './queue-scripts/transfer-flow.ts';
import type { PartTransfer } from './transfer-part.ts';

/** In the order in which they are told: of what will run, what is under way comes first; jobs of other priorities meet the waiting ones nowhere. */
const STRUCTURES = ['active', 'aside', 'ranked', 'waiting', 'delayed', 'completed', 'failed', 'cancelled'] as const;
/** Behind the jobs: their parts, what they owe, and the schedules. */
const PARTS = STRUCTURES.length;
const OWED = PARTS + 1;
const SCHEDULED = OWED + 1;
const END = SCHEDULED + 1;

/**
 * Behind a job (its id, and its index, its score, or how many of its parts came) of a queue's structure; at `SCHEDULED` behind a schedule, at `END` the queue is
 * done.
 */
type Place = readonly [queue: string, structure: number, id: string, at: string];

/** Jobs written by one script, so that none takes long. */
const LOADED_AT_ONCE = 100;
/** Schedules told at once: of the largest, some 3 MiB. */
const SCHEDULES_AT_ONCE = 50;

export function redisQueueTransfer(context: RedisContext): PartTransfer {
  const names = context.key('queue', 'names');
  const keyOf = (queue: string, part: string) => context.key('queue', hashTag(queue), part);

  /** The list is bounded (names.ts), and ordered by time. */
  async function queuesBehind(name: string, limit: number): Promise<string[]> {
    const listed = await context.run((client) => client.zrange(names, 0, String(MAX_QUEUES - 1)));
    return listed
      .filter((one) => one > name)
      .sort()
      .slice(0, limit);
  }

  async function jobs([queue, structure, id, at]: Place, limit: number): Promise<TransferPage> {
    const what = STRUCTURES[structure];
    const script = structure === PARTS ? DUMP_PARTS : structure === OWED ? DUMP_OWED : DUMP_JOBS;
    const args = [...(what ? [what] : []), id, at, limit, TRANSFER_PAGE_BYTES];
    const answer = (await context.script(script, [keyOf(queue, 'jobs')], args)) as (string | number | string[])[];
    const [next, nextAt, ...flat] = answer;
    const records: TransferRecord[] = [];
    const width = what ? 16 : structure === PARTS ? 3 : 2;
    for (let first = 0; first < flat.length; first += width) {
      const row = flat.slice(first, first + width);
      records.push(what ? toTransferred(queue, what, row) : toFlowRecord(queue, row.map(String)));
    }
    const place = next === '' ? [queue, structure + 1, '', '0'] : [queue, structure, String(next), String(nextAt)];
    return { records, cursor: encodeCursor(place) };
  }

  async function schedules([queue, , id]: Place, limit: number): Promise<TransferPage> {
    const ids = await context.run((client) => client.hkeys(keyOf(queue, 'timings')));
    const most = Math.min(limit, SCHEDULES_AT_ONCE);
    const page = ids
      .filter((one) => one > id)
      .sort()
      .slice(0, most);
    const told = await readSchedules(page, (script, args) => context.script(script, [keyOf(queue, 'jobs')], args));
    const place = page.length < most ? [queue, END, '', '0'] : [queue, SCHEDULED, page.at(-1), '0'];
    return { records: told.map((one) => ({ of: 'schedule', queue, ...one })), cursor: encodeCursor(place) };
  }

  return {
    async count() {
      const known = await queuesBehind('', MAX_QUEUES);
      const sizes = await context.run((client) =>
        Promise.all(
          known.flatMap((queue) => [
            client.hlen(keyOf(queue, 'jobs')),
            client.hlen(keyOf(queue, 'timings')),
            client.zcard(keyOf(queue, 'owed')),
          ]),
        ),
      );
      return sizes.reduce((sum, size) => sum + size, known.length);
    },

    /** A structure of one queue, or the rest of it, at a time. */
    async dump(cursor, limit): Promise<TransferPage> {
      const place = cursor === null ? null : decodeCursor(cursor, readPlace);
      if (place && place[1] < SCHEDULED) return jobs(place, limit);
      if (place && place[1] === SCHEDULED) return schedules(place, limit);
      const [queue] = await queuesBehind(place?.[0] ?? '', 1);
      if (queue === undefined) return { records: [], cursor: null };
      const [paused, limits] = await context.run((client) =>
        Promise.all([client.exists(keyOf(queue, 'paused')), client.get(keyOf(queue, 'limits'))]),
      );
      return {
        records: [
          { of: 'queue', queue, paused: paused === 1, limits: limits === null ? null : decodeQueueLimits(limits) },
        ],
        cursor: encodeCursor([queue, 0, '', '0']),
      };
    },

    async load(records) {
      const queues = Map.groupBy(records, (record) => ('queue' in record ? record.queue : ''));
      await Promise.all(
        [...queues].map(async ([queue, some]) => {
          const told = some.findLast((record) => record.of === 'queue');
          const pausedKey = keyOf(queue, 'paused');
          const run: RunScript = (script, args) => context.script(script, [keyOf(queue, 'jobs')], args);
          if ((await context.script(LIST, [names], [queue, MAX_QUEUES])) === 0) throw tooManyQueues(queue);
          if (told?.paused) await context.run((client) => client.set(pausedKey, '1'));
          else if (told) await context.run((client) => client.del(pausedKey));
          for (const record of some) if (record.of === 'schedule') await loadSchedule(queue, record, run);
          if (told) {
            const limits = told.limits ? encodeQueueLimits(told.limits) : '';
            await run(AMEND, ['limit', '', limits]);
          }
          const put = async (script: typeof LOAD_JOBS, arguments_: readonly RedisArgument[][]): Promise<void> => {
            for (let first = 0; first < arguments_.length; first += LOADED_AT_ONCE) {
              const args = arguments_.slice(first, first + LOADED_AT_ONCE).flat();
              await run(script, args);
            }
          };
          const of = <K extends TransferRecord['of']>(kind: K) =>
            some.filter((record): record is Extract<TransferRecord, { of: K }> => record.of === kind);
          await put(LOAD_JOBS, of('job').map(toArguments));
          await put(LOAD_PARTS, of('part').map(partArguments));
          await put(LOAD_OWED, of('owed').map(owedArguments));
          for (const { id, logs } of of('job')) {
            if (logs.length > 0) await run(LOAD_LOG, [id, ...logs.map(({ at, line }) => `${at} ${line}`)]);
          }
        }),
      );
    },
  };
}

function readPlace(content: unknown): Place | undefined {
  const [queue, structure, id, at] = Array.isArray(content) ? (content as unknown[]) : [];
  if (typeof queue !== 'string' || typeof id !== 'string' || typeof at !== 'string') return undefined;
  if (typeof structure !== 'number' || !(structure >= 0 && structure <= END) || !/^-?\d+$/.test(at)) return undefined;
  return [queue, structure, id, at];
}

const optional = (text: string | number | string[] | undefined): string | null => (text ? String(text).slice(1) : null);

function toTransferred(
  queue: string,
  structure: (typeof STRUCTURES)[number],
  row: readonly (string | number | string[])[],
): TransferredJob {
  const [id, body, asked, runs, stalls, priority, started, dedupe, score, ...more] = row;
  const [progress, result, error, group, parent, awaits, lines] = more;
  const active = structure === 'active';
  const cancelled = active && asked === 1 && parent === '';
  const waits = structure === 'waiting' || structure === 'ranked' || structure === 'aside' || active;
  const state = cancelled ? 'cancelled' : waits ? 'waiting' : structure;
  const startedAt = active ? Number(score) : Number(started) || null;
  const finished = !waits && structure !== 'delayed';
  return {
    of: 'job',
    queue,
    id: String(id),
    body: String(body),
    state,
    priority: Number(priority),
    group: optional(group),
    attempts: Number(runs),
    stalls: Number(stalls),
    dedupeKey: cancelled || dedupe === '' ? null : String(dedupe),
    progress: optional(progress),
    result: optional(result),
    error: optional(error),
    dueAt: structure === 'delayed' && Number(score) !== HELD_DUE_AT ? Number(score) : null,
    startedAt,
    finishedAt: cancelled ? startedAt : finished ? Number(score) : null,
    parent: optional(parent),
    awaits: awaits === '' ? null : Number(awaits),
    logs: Array.isArray(lines) ? lines.map(readLogLine) : [],
  };
}

function toArguments(job: TransferredJob): RedisArgument[] {
  const texts = [job.progress, job.result, job.error, job.group, job.parent].map((text) =>
    text === null ? '' : `=${text}`,
  );
  const unfinished = job.state === 'waiting' || job.state === 'delayed';
  const time =
    job.state === 'waiting' ? '' : ((job.state === 'delayed' ? (job.dueAt ?? HELD_DUE_AT) : job.finishedAt) ?? 0);
  const head = [job.id, job.body, job.state, job.attempts, job.stalls, job.priority, job.startedAt ?? 0];
  return [...head, unfinished ? (job.dedupeKey ?? '') : '', time, ...texts, job.awaits ?? ''];
}

/** A row of three is a part, one of two an owed entry. */
function toFlowRecord(queue: string, [id = '', part = '', stored]: readonly string[]): TransferRecord {
  if (stored !== undefined) return { of: 'part', queue, id, ...readPart(part, stored) };
  return { of: 'owed', queue, ...readDebt(id, part) };
}

const partArguments = ({ id, part, turn, fails, text }: PartRecord): RedisArgument[] => [
  ...[id, part, turn],
  `${turn}:${fails ? 1 : 0}:${text}`,
];

function owedArguments({ id, turn, parent, state, text, missedAt }: OwedRecord): RedisArgument[] {
  const length = Buffer.byteLength(parent);
  return [id, turn, `${turn}:${missedAt ?? ''}:${state}:${length}:${parent}${text === null ? '' : `:${text}`}`];
}
