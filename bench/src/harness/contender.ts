/** What the process of a contender needs: to be asked, to have many callers, to measure. */
import { Redis } from 'ioredis';
import type { Figures, Task } from './contest.ts';

export type Work = (task: Task) => Promise<Figures>;

/** Does the work that the parent asks for, once, and tells its figures. */
export function compete(works: Readonly<Record<string, Work>>): void {
  process.once('message', async (task: Task) => {
    const work = works[task.work];
    if (!work) throw new Error(`no work ${task.work}; there is ${Object.keys(works).join(', ')}`);
    process.send?.(await work(task));
  });
}

export function numberOf({ parameters }: Task, name: string): number {
  const value = parameters[name];
  if (typeof value !== 'number') throw new Error(`parameter ${name} is not a number`);
  return value;
}

/** Works that are calls by `callers` callers, `calls` of them in all, of what `open` answers. Without Redis its processor time is not measured. */
export function competeWithCalls(
  works: readonly string[],
  open: (task: Task) => Promise<(n: number) => Promise<unknown>>,
  { onRedis = true } = {},
): void {
  const work: Work = async (task) => {
    const call = await open(task);
    const watch = new Stopwatch(onRedis ? task.redisUrl : undefined);
    return measureCalls(watch, numberOf(task, 'callers'), numberOf(task, 'calls'), call);
  };
  compete(Object.fromEntries(works.map((name) => [name, work])));
}

/** Calls `call` `total` times, by so many callers of which each waits for its answer before it calls again. */
export async function byCallers(callers: number, total: number, call: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const caller = async () => {
    while (next < total) {
      const n = next;
      next += 1;
      await call(n);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

/** Time and processor time between `start` and `stop`: of this process, and of Redis when there is one. */
export class Stopwatch {
  readonly #redis: Redis | undefined;
  #startedAt = 0;
  #cpu = process.cpuUsage();
  #redisUs: Promise<number> = Promise.resolve(0);

  /** Without a URL, Redis is not looked at. */
  constructor(redisUrl?: string) {
    this.#redis = redisUrl ? new Redis(redisUrl) : undefined;
  }

  /** Connects, and collects garbage so that nobody pays for what was before. */
  async ready(): Promise<this> {
    await this.#redis?.ping();
    globalThis.gc?.();
    return this;
  }

  start(): void {
    this.#redisUs = this.#readRedis();
    this.#cpu = process.cpuUsage();
    this.#startedAt = performance.now();
  }

  async stop(operations: number): Promise<Figures> {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const { user, system } = process.cpuUsage(this.#cpu);
    const redisUs = (await this.#readRedis()) - (await this.#redisUs);
    this.#redis?.disconnect();
    return {
      perSecond: operations / seconds,
      clientUs: (user + system) / operations,
      ...(this.#redis ? { redisUs: redisUs / operations } : {}),
    };
  }

  /** Processor time of Redis so far, all of its threads. */
  async #readRedis(): Promise<number> {
    if (!this.#redis) return 0;
    return ((await readInfo(this.#redis, 'used_cpu_user')) + (await readInfo(this.#redis, 'used_cpu_sys'))) * 1e6;
  }
}

/** A number of Redis's INFO. */
export async function readInfo(redis: Redis, name: string): Promise<number> {
  const found = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(await redis.info('everything'))?.[1];
  if (found === undefined) throw new Error(`INFO has no ${name}`);
  return Number(found);
}

/**
 * The work after a tenth of it, which is neither counted nor timed: connections are open, scripts loaded and code compiled. The same for every contender.
 */
export async function measureCalls(
  watch: Stopwatch,
  callers: number,
  total: number,
  call: (n: number) => Promise<unknown>,
): Promise<Figures> {
  await byCallers(callers, Math.ceil(total / 10), (n) => call(-1 - n));
  await watch.ready();
  watch.start();
  await byCallers(callers, total, call);
  return watch.stop(total);
}
