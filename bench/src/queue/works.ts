/** The queue's works, written once: a contender tells only how it is spoken to. */
import { deepEqual } from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { compete, measureCalls, numberOf, readInfo, Stopwatch, type Work } from '../harness/contender.ts';
import type { Figures, Task } from '../harness/contest.ts';
import { quantile } from '../harness/statistics.ts';

/** What every job answers. */
export const RESULT = { ok: true, bytes: 1_234 };
/** Completed jobs that are kept, with their results; a store may let a quarter more gather before it forgets the oldest together. */
export const KEPT = 1_000;
const MOST_KEPT = KEPT * 1.25;

export interface Added {
  readonly id: string;
  /** The job's result, waited for as a producer in another process would. */
  result(): Promise<unknown>;
}

export interface QueueSystem {
  add(): Promise<Added>;
  addMany(count: number): Promise<unknown>;
  /** How many completed jobs are stored. */
  kept(): Promise<number>;
  /** Starts a worker that answers `RESULT` to every job and calls `completed` once the store has confirmed it. Answers how to stop it. */
  work(concurrency: number, completed: (id: string) => void): Promise<() => Promise<unknown>>;
}

const CALLERS = 100;
const CHUNK = 1_000;

export function competeWithQueue(open: (task: Task) => Promise<QueueSystem>, onRedis: boolean): void {
  const watchOf = ({ redisUrl }: Task) => new Stopwatch(onRedis ? redisUrl : undefined);

  async function fill(queue: QueueSystem, jobs: number): Promise<void> {
    for (let left = jobs; left > 0; left -= CHUNK) await queue.addMany(Math.min(left, CHUNK));
  }

  /** Completes so many jobs of those that wait, after a tenth more that is not counted. */
  async function complete(task: Task, queue: QueueSystem, jobs: number): Promise<Figures> {
    const watch = await watchOf(task).ready();
    const uncounted = Math.ceil(jobs / 10);
    let done = 0;
    const figures = Promise.withResolvers<Figures>();
    const stop = await queue.work(numberOf(task, 'concurrency'), () => {
      done += 1;
      if (done === uncounted) watch.start();
      if (done === uncounted + jobs) figures.resolve(watch.stop(jobs));
    });
    const measured = await figures.promise;
    await stop();
    const kept = await queue.kept();
    if (kept < KEPT || kept > MOST_KEPT + numberOf(task, 'concurrency'))
      throw new Error(`${kept} completed jobs are kept instead of ${KEPT}`);
    return measured;
  }

  const waiting = (jobs: number) => jobs + Math.ceil(jobs / 10);

  const add: Work = async (task) => {
    const queue = await open(task);
    return measureCalls(watchOf(task), CALLERS, numberOf(task, 'jobs'), () => queue.add());
  };

  const process: Work = async (task) => {
    const queue = await open(task);
    const jobs = numberOf(task, 'jobs');
    await fill(queue, waiting(jobs));
    return complete(task, queue, jobs);
  };

  /** The same behind few and behind many waiting jobs. */
  const behind: Work = async (task) => {
    const queue = await open(task);
    const jobs = numberOf(task, 'jobs');
    await fill(queue, waiting(jobs) + numberOf(task, 'few'));
    const few = await complete(task, queue, jobs);
    await fill(queue, waiting(jobs) + numberOf(task, 'many') - numberOf(task, 'few'));
    const many = await complete(task, queue, jobs);
    return { ...many, few: few.perSecond ?? 0, kept: (many.perSecond ?? 0) / (few.perSecond ?? 0) };
  };

  /** From the call that adds a job to the producer's knowledge of its end; one at a time, everything at rest before it. */
  async function roundTrips(task: Task, trip: (queue: QueueSystem) => Promise<void>, queue: QueueSystem) {
    const trips = numberOf(task, 'trips');
    const ms: number[] = [];
    for (let n = 0; n < trips + Math.ceil(trips / 10); n += 1) {
      await pause(2);
      const started = performance.now();
      await trip(queue);
      if (n >= Math.ceil(trips / 10)) ms.push(performance.now() - started);
    }
    return { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) };
  }

  const result: Work = async (task) => {
    const queue = await open(task);
    const stop = await queue.work(numberOf(task, 'concurrency'), () => undefined);
    const trip = async () => deepEqual(await (await queue.add()).result(), RESULT);
    const figures = await roundTrips(task, trip, queue);
    await stop();
    return figures;
  };

  const event: Work = async (task) => {
    const queue = await open(task);
    const completed = new EventTarget();
    const stop = await queue.work(numberOf(task, 'concurrency'), () => completed.dispatchEvent(new Event('completed')));
    const trip = async () => void (await Promise.all([once(completed, 'completed'), queue.add()]));
    const figures = await roundTrips(task, trip, queue);
    await stop();
    return figures;
  };

  const bytes: Work = async (task) => {
    const queue = await open(task);
    const redis = new Redis(task.redisUrl);
    await queue.addMany(1);
    const before = await readInfo(redis, 'used_memory');
    const jobs = numberOf(task, 'jobs');
    await fill(queue, jobs);
    return { bytes: ((await readInfo(redis, 'used_memory')) - before) / jobs };
  };

  compete({ add, process, behind, result, event, bytes });
}
