import {
  decodeCursor,
  encodeCursor,
  MAX_QUEUES,
  REPAIRS,
  type Reconciled,
  type ReconcileRequest,
  type Repair,
} from '@portolan/core';
import { fromHashTag, hashTag, type RedisContext } from './connection.ts';
import { LIST } from './queue-scripts/names.ts';
import { RECONCILE, RECONCILE_KEYS } from './queue-scripts/reconcile.ts';
import { scanKeys } from './scan.ts';

/** A step of the script and where it is, or, as step 0, SCAN's cursor in the walk over all keys. */
type Place = readonly [step: number, at: string];

const START: Place = [1, '0'];
const KEYS_AT_ONCE = 500;
const NAMED_BY_QUEUE = /^(session|parts|log|side):/;

type Told = readonly (string | number)[];

/** A page of a reconcile of one queue: queue-scripts/reconcile.ts, and what lies in other slots. Two round trips more where a pass begins; a thorough one ends with a walk over all keys. */
export async function reconcileQueue(
  context: RedisContext,
  queue: string,
  request: ReconcileRequest,
): Promise<Reconciled> {
  const { cursor, everyMs, dryRun = false, thorough = false } = request;
  const place = cursor === null ? START : decodeCursor(cursor, readPlace);
  const dry = dryRun ? 1 : 0;
  if (place[0] === 0) return reconcileKeys(context, queue, place[1], dry);

  const jobs = context.key('queue', hashTag(queue), 'jobs');
  const args = [...place, dry, cursor === null && !dryRun ? everyMs : 0];
  const answer = (await context.script(RECONCILE, [jobs], args)) as [number, string, number, Told, number];
  const [step, at, looked, told, holds] = answer;
  const repaired = readRepairs(told);
  if (cursor === null && holds === 1 && (await listAnew(context, queue, dryRun))) repaired.listings = 1;
  const next: Place | null = step > 0 ? [step, at] : thorough && step === 0 ? [0, ''] : null;
  return { cursor: next && encodeCursor(next), looked, repaired };
}

/** Lists a queue that holds something and is not on the list. Answers whether that was so, and is mended unless it is a dry run. */
async function listAnew(context: RedisContext, queue: string, dryRun: boolean): Promise<boolean> {
  const names = context.key('queue', 'names');
  if ((await context.run((client) => client.zscore(names, queue))) !== null) return false;
  return dryRun || (await context.script(LIST, [names], [queue, MAX_QUEUES])) === 1;
}

/** Keys that a queue has one of for each session, job or group. */
async function reconcileKeys(context: RedisContext, queue: string, at: string, dry: number): Promise<Reconciled> {
  const prefix = `${context.key('queue', hashTag(queue))}:`;
  const cursor = at === '' ? null : at;
  const found = await scanKeys(context, { prefix, match: '*', cursor, limit: KEYS_AT_ONCE });
  const named = found.keys.filter((key) => NAMED_BY_QUEUE.test(key));
  const next = found.cursor && encodeCursor([0, found.cursor]);
  if (named.length === 0) return { cursor: next, looked: 0, repaired: {} };
  const told = await context.script(RECONCILE_KEYS, [`${prefix}jobs`], [dry, ...named]);
  return { cursor: next, looked: named.length, repaired: readRepairs(told as Told) };
}

/** Queues that hold jobs or schedules, whether listed or not. Walks all keys of the store. */
export async function queuesByKeys(context: RedisContext): Promise<string[]> {
  const queues = new Set<string>();
  for (const suffix of ['jobs', 'timings', 'owed']) {
    let cursor: string | null = null;
    do {
      const request = { prefix: `${context.key('queue')}:{`, suffix: `}:${suffix}`, match: '*', limit: KEYS_AT_ONCE };
      const found = await scanKeys(context, { ...request, cursor });
      for (const key of found.keys) queues.add(fromHashTag(key));
      cursor = found.cursor;
    } while (cursor !== null);
  }
  return [...queues];
}

function readRepairs(told: Told): Partial<Record<Repair, number>> {
  const repaired: Partial<Record<Repair, number>> = {};
  for (let at = 0; at < told.length; at += 2) {
    const kind = REPAIRS.find((one) => one === told[at]);
    if (kind) repaired[kind] = Number(told[at + 1]);
  }
  return repaired;
}

function readPlace(content: unknown): Place | undefined {
  const [step, at] = Array.isArray(content) ? (content as unknown[]) : [];
  if (typeof at !== 'string' || typeof step !== 'number' || !Number.isInteger(step) || step < 0) return undefined;
  return [step, at];
}
